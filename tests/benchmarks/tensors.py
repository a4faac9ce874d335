"""What a load asks Triton for: the network of pixels in shared memory, or pictures by gRPC."""

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from services.kit.triton.calls import CHANNEL
from services.vision.domain.image import SIDE
from tests.benchmarks.bench_vision_triton import fresh, photos


class Asking:
    """A channel to Triton, open inside the block."""

    def __init__(self, url: str, model: str, batch: int, seed: int) -> None:
        self._url, self._model, self._batch, self._seed = url, model, batch, seed

    async def __aenter__(self) -> Self:
        """Opens it."""
        self._channel = grpc.aio.insecure_channel(self._url, options=CHANNEL)
        self._stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)  # type: ignore[no-untyped-call]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        await self._channel.close()


class Pixels(Asking):
    """Asks for a batch of noise that lies in shared memory: a request is a few bytes."""

    async def __aenter__(self) -> Self:
        """Puts the batch there."""
        await super().__aenter__()
        self._region = f"aisle-bench-{os.getpid()}-{self._batch}"
        shape = (self._batch, SIDE, SIDE, 3)
        pixels = np.random.default_rng(self._seed).integers(0, 256, shape, dtype=np.uint8)
        pixels.tofile(f"/dev/shm/{self._region}")
        await self._stub.SystemSharedMemoryRegister(
            pb.SystemSharedMemoryRegisterRequest(
                name=self._region, key=f"/{self._region}", byte_size=pixels.nbytes
            )
        )
        tensor = pb.ModelInferRequest.InferInputTensor(name="pixels", datatype="UINT8", shape=shape)
        tensor.parameters["shared_memory_region"].string_param = self._region
        tensor.parameters["shared_memory_byte_size"].int64_param = pixels.nbytes
        self._request = pb.ModelInferRequest(model_name=self._model, inputs=[tensor])
        return self

    async def ask(self) -> Any:
        """One request. Raises AioRpcError."""
        return await self._stub.ModelInfer(self._request)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the batch away."""
        await self._stub.SystemSharedMemoryUnregister(
            pb.SystemSharedMemoryUnregisterRequest(name=self._region)
        )
        os.unlink(f"/dev/shm/{self._region}")
        await super().__aexit__(kind, error, trace)


class Pictures(Asking):
    """Asks for JPEGs, none twice, so that Triton's cache does not know them."""

    async def __aenter__(self) -> Self:
        """Reads the photos."""
        await super().__aenter__()
        mine = os.urandom(4)
        self._turn: Iterator[bytes] = (one + mine for one in fresh(photos()))
        return self

    async def ask(self) -> Any:
        """One request. Raises AioRpcError."""
        some = [next(self._turn) for _ in range(self._batch)]
        shape = [self._batch, 1]
        image = pb.ModelInferRequest.InferInputTensor(name="IMAGE", datatype="BYTES", shape=shape)
        content = b"".join(len(one).to_bytes(4, "little") + one for one in some)
        request = pb.ModelInferRequest(model_name=self._model, inputs=[image], raw_input_contents=[content])
        return await self._stub.ModelInfer(request)
