"""What Triton serves: puts published models into its repository, and has it load them."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from services.kit import logs
from services.kit.errors import ServiceError
from services.kit.models import Model
from services.kit.triton.calls import AWAY, LOAD_SECONDS, load, translated
from services.vision.domain.image import SIDE
from services.vision.triton.repository import Repository

_logger = logs.get("vision.triton")


class TritonModels:
    """The versions of one model. One that does not load is refused, and the one before goes on serving."""

    def __init__(self, url: str, repository: Repository) -> None:
        self._url, self._repository = url, repository
        self._lock = Lock()
        self.versions: Sequence[int] = ()
        """The versions that callers may ask, the newest last, which they come to without naming one."""
        self.most, self.at_once = 1, 16
        """Pictures a request may hold, and requests worth sending at once; Triton tells when it serves."""

    def take(self, model: Model) -> None:
        """Puts a model into the repository and has Triton load it. Blocks.

        Raises ServiceError MODEL_UNAVAILABLE when Triton refuses it. With Triton away it is loaded later.
        """
        with self._lock:
            self._repository.assemble(model)
        try:
            self.load()
        except ServiceError as error:
            if error.reason != "INFERENCE_UNAVAILABLE":
                raise
            _logger.warning("triton.away", version=model.version)

    def load(self, *, anew: bool = False) -> None:
        """Has Triton serve the newest version, with new processes if `anew`. Blocks.

        Raises ServiceError; a version that Triton refuses is taken out of the repository.
        """
        with self._lock, grpc.insecure_channel(self._url) as channel:
            triton = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            versions = self._repository.versions()
            if not versions:
                raise ServiceError("MODEL_UNAVAILABLE", "there is no model yet: run `aisle train vision`")
            if anew:
                self._repository.renew(versions[-1])
            try:
                self._serve(triton, versions[-1])
            except grpc.RpcError as error:
                if error.code() in AWAY:
                    raise translated(error) from error
                self._refuse(triton, versions, error.details() or "")
            except ValueError as error:
                self._refuse(triton, versions, str(error))

    def _serve(self, triton: Any, version: int) -> None:
        """Loads a network beside the one that serves, tries it, and only then lets callers come to it."""
        repository = self._repository
        load(triton, repository.network)
        self._try(triton, version)
        repository.open(version)
        load(triton, repository.name)
        request = pb.ModelMetadataRequest(name=repository.name)
        served = triton.ModelMetadata(request, timeout=LOAD_SECONDS).versions
        if str(version) not in served:
            raise ValueError(f"Triton serves the versions {served}")
        self.versions = sorted(map(int, served))
        config = triton.ModelConfig(pb.ModelConfigRequest(name=repository.name), timeout=LOAD_SECONDS).config
        self.most = config.max_batch_size
        # One more than it has instances, so that none waits for the way there and back.
        self.at_once = 1 + sum(group.count for group in config.instance_group)

    def _try(self, triton: Any, version: int) -> None:
        """Has the network see a black picture. Raises ValueError when it answers with other sizes."""
        shape = (1, SIDE, SIDE, 3)
        tensor = pb.ModelInferRequest.InferInputTensor(name="pixels", datatype="UINT8", shape=shape)
        request = pb.ModelInferRequest(
            model_name=self._repository.network,
            model_version=str(version),
            inputs=[tensor],
            raw_input_contents=[np.zeros(shape, np.uint8).tobytes()],
        )
        answer = triton.ModelInfer(request, timeout=LOAD_SECONDS)
        sizes = {output.name: [*output.shape] for output in answer.outputs}
        told = self._repository.shape(version)
        if sizes != {"probabilities": [1, told["labels"]], "embedding": [1, told["embedding"]]}:
            raise ValueError(f"the network answers {sizes}, its model.json says {told}")

    def _refuse(self, triton: Any, versions: Sequence[int], why: str) -> None:
        _logger.error("triton.model_refused", version=versions[-1], why=why.partition("\n")[0][:300])
        self._repository.discard(versions[-1])
        if len(versions) > 1:
            # Triton still serves the version before; it is told that there is no other.
            self._serve(triton, versions[-2])
        raise ServiceError("MODEL_UNAVAILABLE", f"Triton refused the model's version {versions[-1]}")
