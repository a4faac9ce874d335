"""The port Inference in Triton: loads the models that training publishes, and has pictures seen."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, Final

import grpc
import numpy as np
import tritonclient.grpc as sync_client
import tritonclient.grpc.aio as client
from tritonclient.utils import InferenceServerException

from services.kit import deadline, logs
from services.kit.errors import ServiceError
from services.kit.models import Model
from services.vision.domain.image import SIDE, TooLargeImage, UnreadableImage
from services.vision.domain.seen import Classes, Seen
from services.vision.triton.repository import Repository

LOAD_SECONDS: Final = 60.0
PING_SECONDS: Final = 2.0

# The client's own default waits up to two minutes before it looks again for a server that was away.
CHANNEL: Final = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_send_message_length", 16 * 2**20),
    ("grpc.max_receive_message_length", 16 * 2**20),
]
_AWAY: Final = ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.CANCELLED")
_DEAD: Final = "is not healthy"
"""What Triton says of a model's process that died."""

_logger = logs.get("vision.triton")


class Triton:
    """One Triton. A model that does not load is refused, and the one before goes on serving."""

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
        self._room = in_flight
        self.name = "triton"
        self._url, self._model, self._seconds = url, repository.name, seconds
        self._repository = repository
        self._loading = Lock()
        self._version = 0
        self._crippled = False
        self._client: client.InferenceServerClient | None = None
        self._classes = lru_cache(maxsize=4)(self._read_classes)

    @property
    def model(self) -> str:
        """See Inference."""
        return f"{self._model}:{self._version}" if self._version else ""

    async def start(self) -> None:
        """Nothing to wait for: the channel connects by itself."""

    async def ping(self) -> None:
        """Raises when Triton is away or has no model; loads the model when Triton came back without it.

        It loads it too when a process of the model died: Triton does not start another by itself.
        """
        try:
            names = (self._repository.network, self._repository.name)
            ready = [await self._channel.is_model_ready(name, client_timeout=PING_SECONDS) for name in names]
        except InferenceServerException as error:
            raise _translated(error) from error
        if self._crippled:
            self._repository.renew(self._version)
        if self._crippled or not all(ready) or self._repository.versions()[-1:] != [self._version]:
            await asyncio.to_thread(self._load)

    async def close(self) -> None:
        """Lets go of the channel."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def take(self, model: Model) -> None:
        """Puts a model into the repository and has Triton load it. Blocks.

        Raises ServiceError MODEL_UNAVAILABLE when Triton refuses it. With Triton away it is loaded later.
        """
        with self._loading:
            self._repository.assemble(model)
        try:
            self._load()
        except ServiceError as error:
            if error.reason != "INFERENCE_UNAVAILABLE":
                raise
            _logger.warning("triton.away", version=model.version)

    def _load(self) -> None:
        """Has Triton serve the newest version; takes it out of the repository when Triton refuses it."""
        with self._loading, sync_client.InferenceServerClient(self._url, channel_args=CHANNEL) as triton:
            versions = self._repository.versions()
            if not versions:
                raise ServiceError("MODEL_UNAVAILABLE", "there is no model yet: run `aisle train vision`")
            try:
                self._serve(triton, versions[-1])
            except InferenceServerException as error:
                if error.status() in _AWAY:
                    raise _translated(error) from error
                self._refuse(triton, versions, str(error))
            except ValueError as error:
                self._refuse(triton, versions, str(error))
            self._version, self._crippled = versions[-1], False

    def _serve(self, triton: Any, version: int) -> None:
        """Loads a network beside the one that serves, tries it, and only then lets callers come to it."""
        repository = self._repository
        triton.load_model(repository.network, client_timeout=LOAD_SECONDS)
        self._try(triton, version)
        repository.open(version)
        triton.load_model(repository.name, client_timeout=LOAD_SECONDS)
        served = triton.get_model_metadata(repository.name, as_json=True)["versions"]
        if str(version) not in served:
            raise ValueError(f"Triton serves the versions {served}")

    def _try(self, triton: Any, version: int) -> None:
        """Has the network see a black picture. Raises ValueError when it answers with other sizes."""
        tensor = sync_client.InferInput("pixels", [1, SIDE, SIDE, 3], "UINT8")
        tensor.set_data_from_numpy(np.zeros((1, SIDE, SIDE, 3), np.uint8))
        result = triton.infer(
            self._repository.network, [tensor], model_version=str(version), client_timeout=LOAD_SECONDS
        )
        sizes = [result.as_numpy(name).shape for name in ("probabilities", "embedding")]
        told = self._repository.shape(version)
        if sizes != [(1, told["labels"]), (1, told["embedding"])]:
            raise ValueError(f"the network answers {sizes}, its model.json says {told}")

    def _refuse(self, triton: Any, versions: Sequence[int], why: str) -> None:
        _logger.error("triton.model_refused", version=versions[-1], why=why.splitlines()[0][:300])
        self._repository.discard(versions[-1])
        if len(versions) > 1:
            # Triton still serves the version before; it is told that there is no other.
            self._serve(triton, versions[-2])
            self._version = versions[-2]
        raise ServiceError("MODEL_UNAVAILABLE", f"Triton refused the model's version {versions[-1]}")

    async def see(self, picture: bytes) -> Seen:
        """See Inference; OVERLOADED when too many pictures are with Triton."""
        if not self._room:
            raise ServiceError("OVERLOADED", "the inference server has no room for more work")
        self._room -= 1
        try:
            return await self._see(picture)
        finally:
            self._room += 1

    async def _see(self, picture: bytes) -> Seen:
        tensor = client.InferInput("IMAGE", [1, 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[picture]], dtype=np.object_))
        seconds = deadline.within(self._seconds)
        try:
            result = await self._channel.infer(self._model, [tensor], client_timeout=seconds)
        except InferenceServerException as error:
            self._crippled = self._crippled or _DEAD in str(error)
            raise _translated(error) from error
        outputs = [result.as_numpy(name) for name in ("PROBABILITIES", "EMBEDDING")]
        if any(output is None for output in outputs):  # what Triton answers when the process dies in between
            self._crippled = True
            raise ServiceError("INFERENCE_UNAVAILABLE", "the inference server gave no answer")
        version = int(result.get_response().model_version)
        return Seen(f"{self._model}:{version}", self._classes(version), *(output[0] for output in outputs))

    @property
    def _channel(self) -> client.InferenceServerClient:
        if self._client is None:
            self._client = client.InferenceServerClient(self._url, channel_args=CHANNEL)
        return self._client

    def _read_classes(self, version: int) -> Classes:
        return self._repository.classes(version)


def _translated(error: InferenceServerException) -> Exception:
    """What Triton's error means to a caller; its own text stays in the logs."""
    status, text = error.status() or "", error.message() or ""
    if status == str(grpc.StatusCode.INVALID_ARGUMENT):
        if text.startswith(f"{TooLargeImage.reason}: "):
            return TooLargeImage(text.partition(": ")[2])
        if text.startswith(f"{UnreadableImage.reason}: "):
            return UnreadableImage(text.partition(": ")[2])
    if deadline.remaining() == 0.0:
        return ServiceError("DEADLINE_EXCEEDED", "the deadline passed while Triton worked")
    if "maximum queue size" in text.lower():
        return ServiceError("OVERLOADED", "the inference server has no room for more work")
    if status == str(grpc.StatusCode.NOT_FOUND) or "unknown model" in text or "no available versions" in text:
        return ServiceError("MODEL_UNAVAILABLE", "the inference server has no model loaded")
    _logger.warning("triton.error", status=status, text=text[:300])
    return ServiceError("INFERENCE_UNAVAILABLE", "the inference server does not answer")
