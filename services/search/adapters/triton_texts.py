"""Triton as search uses it: has it load encoders, asks it, and knows while it cannot be asked."""

import asyncio
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from services.kit import deadline, logs
from services.kit.errors import ServiceError
from services.kit.models import Model
from services.kit.triton.calls import AWAY, CHANNEL, DEAD, PING_SECONDS, load, translated
from services.search.adapters.onnx_encoder import DIMENSION, INPUTS, check
from services.search.domain.ports import EncoderAway, Vector
from services.search.triton.repository import Repository

PADDED_TO: Final = 16
"""Lengths are padded to multiples of this: on a GPU only texts of one length go together."""

BESIDE: Final = 2
"""Versions that are asked at once: what serves, and what is being made."""

_PROBE: Final = [[101, 102]]
"""An empty text's ids."""

_logger = logs.get("search.triton")


class TritonTexts:
    """One Triton, a resource that search can do without; any thread may ask it.

    Once it failed nobody waits for it until a ping finds it well again.
    """

    name = "triton"
    optional = True

    def __init__(self, url: str, repository: Repository, *, seconds: float = 0.5) -> None:
        """`url` is host:port of its gRPC; `seconds` is the longest wait for a text's vector."""
        self._repository, self._seconds = repository, seconds
        self._channel = grpc.insecure_channel(url, options=CHANNEL)
        self._stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self._taken: list[int] = []
        self._lock = Lock()
        self._well = self._crippled = False

    async def start(self) -> None:
        """Nothing to wait for: the channel connects by itself."""

    async def ping(self) -> None:
        """Raises when Triton is away or has not all models; loads them when it came back without.

        It loads them too when a process of theirs died: Triton does not start another by itself.
        """
        await asyncio.to_thread(self._mend)

    async def close(self) -> None:
        """Lets go of the channel."""
        self._channel.close()

    def take(self, model: Model) -> int:
        """Has Triton serve a published model; returns its version. Blocks.

        Raises ServiceError MODEL_UNAVAILABLE when Triton refuses it. With Triton away it is loaded later.
        """
        with self._lock:
            version = self._repository.assemble(model)
            self._taken = [*(one for one in self._taken if one != version), version][-BESIDE:]
            try:
                self._load()
            except ServiceError as error:
                if error.reason == "MODEL_UNAVAILABLE":
                    self._taken.remove(version)
                    self._repository.discard(version)
                    if self._taken:
                        self._load()  # as it was
                    raise
                _logger.warning("triton.away", version=model.version)
        return version

    def ask(self, version: int, texts: Sequence[Sequence[int]]) -> Vector:
        """The vectors of texts, told as ids of tokens, (n, DIMENSION).

        Raises EncoderAway; ServiceError DEADLINE_EXCEEDED when the call's own deadline passed.
        """
        if not self._well:
            raise EncoderAway
        try:
            return self._asked(version, texts, deadline.within(self._seconds * len(texts)))
        except ServiceError as error:
            if error.reason == "DEADLINE_EXCEEDED":
                raise
            self._well = self._well and error.reason == "OVERLOADED"
            raise EncoderAway from error

    def _asked(self, version: int, texts: Sequence[Sequence[int]], seconds: float) -> Vector:
        longest = max(map(len, texts))
        shape = len(texts), -(-longest // PADDED_TO) * PADDED_TO
        fed = np.zeros((len(INPUTS), *shape), np.int64)
        for row, ids in enumerate(texts):
            fed[:, row, : len(ids)] = ids, np.ones(len(ids))
        request = pb.ModelInferRequest(
            model_name=self._repository.name,
            model_version=str(version),
            inputs=[
                pb.ModelInferRequest.InferInputTensor(name=name, datatype="INT64", shape=shape)
                for name in INPUTS
            ],
            raw_input_contents=[one.tobytes() for one in fed],
        )
        try:
            answer = self._stub.ModelInfer(request, timeout=seconds)
        except grpc.RpcError as error:
            self._crippled = self._crippled or DEAD in (error.details() or "")
            raise translated(error) from error
        if not answer.raw_output_contents:  # what Triton answers when a process dies in between
            self._crippled = True
            raise ServiceError("INFERENCE_UNAVAILABLE", "the inference server gave no answer")
        return np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(len(texts), DIMENSION)

    def _mend(self) -> None:
        with self._lock:
            if self._crippled or not all(map(self._is_ready, self._taken)):
                self._load()
            self._well = True

    def _load(self) -> None:
        """Has Triton load what was taken, and tries it. Raises ServiceError."""
        try:
            for version in self._taken if self._crippled else ():
                self._repository.renew(version)
            load(self._stub, self._repository.name)
            for version in self._taken:
                check(self._asked(version, _PROBE, PING_SECONDS), "Triton")
        except grpc.RpcError as error:
            self._well = False
            if error.code() in AWAY:
                raise translated(error) from error
            raise self._refused(error.details() or "") from error
        except ValueError as error:
            raise self._refused(str(error)) from error
        self._well, self._crippled = True, False

    def _refused(self, why: str) -> ServiceError:
        _logger.error("triton.model_refused", versions=self._taken, why=why.partition("\n")[0][:300])
        return ServiceError("MODEL_UNAVAILABLE", f"Triton refused a model of {self._taken}")

    def _is_ready(self, version: int) -> bool:
        request = pb.ModelReadyRequest(name=self._repository.name, version=str(version))
        try:
            return bool(self._stub.ModelReady(request, timeout=PING_SECONDS).ready)
        except grpc.RpcError as error:
            self._well = False
            raise translated(error) from error
