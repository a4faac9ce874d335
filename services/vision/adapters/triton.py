"""The port Inference in Triton: has pictures seen by the newest model that Triton serves."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc
from tritonclient.utils import deserialize_bytes_tensor

from services.kit import deadline
from services.kit.errors import ServiceError
from services.kit.models import Model
from services.kit.triton.calls import CHANNEL, DEAD, PING_SECONDS, is_gone, translated
from services.vision.adapters.together import Together
from services.vision.adapters.triton_errors import refusal
from services.vision.adapters.triton_models import TritonModels
from services.vision.domain.seen import Classes, Seen
from services.vision.triton.repository import Repository

OUTPUTS: Final = 3
"""What an answer consists of."""


class Triton:
    """One Triton, by its own stubs: tritonclient's InferInput and InferResult cost as much again as a call.

    Few requests are with it at once; pictures that come meanwhile go together in the next, since a request
    costs it and the service a tenth of the CPU that a picture costs.
    """

    def __init__(
        self,
        url: str,
        repository: Repository,
        *,
        seconds: float = 2.0,
        in_flight: int = 32,
    ) -> None:
        """`url` is host:port of its gRPC; `seconds` is the longest wait for an answer.

        More than `in_flight` pictures at once are refused: they would wait past their time and come again.
        """
        self.name = "triton"
        self._url, self._seconds, self._room = url, seconds, in_flight
        self._repository, self._models = repository, TritonModels(url, repository)
        self._together = Together(self._ask, most=self._models.most, at_once=self._models.at_once)
        self._crippled = False
        self._mending: asyncio.Task[None] | None = None
        self._channel: grpc.aio.Channel | None = None
        self._calls: Any = None
        self._classes = lru_cache(maxsize=4)(self._read_classes)

    @property
    def models(self) -> Sequence[str]:
        """See Inference."""
        return [f"{self._repository.name}:{version}" for version in self._models.versions]

    async def start(self) -> None:
        """Nothing to wait for: the channel connects by itself."""

    async def ping(self) -> None:
        """Raises when Triton is away or has no model; loads the model when Triton came back without it.

        It loads it too when a process of the model died: Triton does not start another by itself.
        """
        ready = [await self._is_ready(name) for name in (self._repository.network, self._repository.name)]
        newest = self._repository.versions()[-1:]
        if self._crippled or not all(ready) or newest != [*self._models.versions[-1:]]:
            if self._mending is None or self._mending.done():
                self._mending = asyncio.create_task(asyncio.to_thread(self._mend))
            await asyncio.shield(
                self._mending
            )  # it may take longer than a ping, and the next goes on with it
        self._together.most, self._together.at_once = self._models.most, self._models.at_once

    def _mend(self) -> None:
        self._models.load(anew=self._crippled)
        self._crippled = False  # what failed meanwhile was with the processes of before

    async def close(self) -> None:
        """Lets go of the channel."""
        if self._channel is not None:
            await self._channel.close(None)
            self._channel = None

    def take(self, model: Model) -> None:
        """Has Triton serve a published model. Blocks. See TritonModels."""
        self._models.take(model)
        self._together.most, self._together.at_once = self._models.most, self._models.at_once

    def keep(self, model: str) -> None:
        """See Inference."""
        self._repository.keep(int(model.rpartition(":")[2]))

    async def see(self, picture: bytes, model: str = "") -> Seen:
        """See Inference; OVERLOADED when too many pictures are with Triton."""
        version = model.rpartition(":")[2] if model in self.models else ""
        if not self._room:
            raise ServiceError("OVERLOADED", "the inference server has no room for more work")
        self._room -= 1
        try:
            async with asyncio.timeout(deadline.within(self._seconds)):
                return await self._together((version, picture))
        except TimeoutError as error:
            reason = "DEADLINE_EXCEEDED" if deadline.remaining() == 0.0 else "INFERENCE_UNAVAILABLE"
            raise ServiceError(reason, "the inference server did not answer in time") from error
        except grpc.aio.AioRpcError as error:
            raise self._translated(error) from error
        finally:
            self._room += 1

    async def _ask(self, some: Sequence[tuple[str, bytes]]) -> Sequence[Seen | Exception]:
        """One request for the pictures of a version; almost always there is but one. Raises AioRpcError."""
        parts = {version: [one for one in some if one[0] == version] for version, _ in some}
        if len(parts) == 1:
            return await self._infer(some[0][0], [picture for _, picture in some])
        answers = await asyncio.gather(*map(self._ask, parts.values()))
        turns = {version: iter(answer) for version, answer in zip(parts, answers, strict=True)}
        return [next(turns[version]) for version, _ in some]

    async def _infer(self, version: str, pictures: Sequence[bytes]) -> list[Seen | Exception]:
        """One request for several pictures, to a version, or to the newest when "". Raises AioRpcError."""
        count = len(pictures)
        image = pb.ModelInferRequest.InferInputTensor(name="IMAGE", datatype="BYTES", shape=[count, 1])
        content = b"".join(len(picture).to_bytes(4, "little") + picture for picture in pictures)
        name = self._repository.name
        request = pb.ModelInferRequest(
            model_name=name, model_version=version, inputs=[image], raw_input_contents=[content]
        )
        answer = await self._answer(request)
        names = [output.name for output in answer.outputs]
        outputs = dict(zip(names, answer.raw_output_contents, strict=True))
        model, classes = f"{name}:{answer.model_version}", self._classes(int(answer.model_version))
        probabilities, embeddings = (
            np.frombuffer(outputs[output], np.float32).reshape(count, -1)
            for output in ("PROBABILITIES", "EMBEDDING")
        )
        refused = deserialize_bytes_tensor(outputs["REFUSED"])
        return [
            refusal(why.decode()) if why else Seen(model, classes, probabilities[i], embeddings[i])
            for i, why in enumerate(refused)
        ]

    async def _answer(self, request: pb.ModelInferRequest) -> Any:
        """Triton's answer. When something died over it, it is asked once more: seeing changes nothing.

        Raises AioRpcError, or ServiceError INFERENCE_UNAVAILABLE.
        """
        failed: Exception = ServiceError("INFERENCE_UNAVAILABLE", "the inference server gave no answer")
        for _ in range(2):
            try:
                answer = await self._stub.ModelInfer(request, timeout=self._seconds)
            except grpc.aio.AioRpcError as error:
                process_died = DEAD in (error.details() or "")
                if not process_died and not is_gone(error):
                    raise
                failed = error
            else:
                process_died = len(answer.raw_output_contents) < OUTPUTS  # then it answers like this too
                if not process_died:
                    return answer
            self._crippled = self._crippled or process_died
        raise failed

    def _translated(self, error: grpc.aio.AioRpcError) -> ServiceError:
        found = translated(error)
        if found.reason != "MODEL_UNAVAILABLE" or not self._models.versions:
            return found
        return ServiceError("INFERENCE_UNAVAILABLE", "the inference server is loading its model")

    async def _is_ready(self, name: str) -> bool:
        try:
            answer = await self._stub.ModelReady(pb.ModelReadyRequest(name=name), timeout=PING_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise translated(error) from error
        return bool(answer.ready)

    @property
    def _stub(self) -> Any:
        if self._channel is None:  # here, not at the start: a channel belongs to the loop that runs
            self._channel = grpc.aio.insecure_channel(self._url, options=CHANNEL)
            self._calls = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        return self._calls

    def _read_classes(self, version: int) -> Classes:
        return self._repository.classes(version)
