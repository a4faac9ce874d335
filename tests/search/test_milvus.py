"""Search on a Milvus of its own process: away at the start, gone amid changes, hanging, and back."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from aisle.search.v1 import search_pb2, search_pb2_grpc

from services.kit.channels import connect
from services.kit.errors import reason_of
from services.kit.memory_log import MemoryLog
from services.kit.server import Running
from services.kit.testing import running, wait_until
from services.search.config import Config
from services.search.server import build
from tests.search.shop import SHOP, delete, product, upsert


class MilvusProcess:
    """A milvus-lite that may be killed and started again on its port and folder."""

    def __init__(self, folder: Path) -> None:
        """Not started."""
        self._folder = folder
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port = int(listener.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where it answers, the same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it; whoever asks waits until it answers."""
        words = [Path(sys.prefix, "bin", "milvus-lite"), "server", "--data-dir", self._folder]
        words += ["--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def signal(self, number: int) -> None:
        """Stops it (SIGSTOP) or lets it go on (SIGCONT)."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def milvus(tmp_path: Path) -> Iterator[MilvusProcess]:
    process = MilvusProcess(tmp_path / "milvus")
    yield process
    process.kill()


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog()
    await log.append([*map(upsert, SHOP)])
    return log


@pytest.fixture
async def service(log: MemoryLog, milvus: MilvusProcess, tmp_path: Path) -> AsyncIterator[Running]:
    """The service, whose Milvus is not there yet."""
    config = Config(
        home=tmp_path, backend="milvus", milvus_uri=milvus.uri, milvus_seconds=1, ping_seconds=0.05
    )
    async with running(build(config, log), ready=False) as service:
        yield service


async def found(stub: Any, query: str) -> list[str] | str:
    """What is found, or the reason why nothing can be."""
    try:
        answer = await stub.Search(search_pb2.SearchRequest(query=query), timeout=10)
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    return [result.product_id for result in answer.results]


async def test_it_waits_for_milvus_and_loses_nothing_while_it_is_gone_or_hangs(
    service: Running, log: MemoryLog, milvus: MilvusProcess
) -> None:
    await wait_until(lambda: "engine" in service.health.unwell)
    async with connect(service.target) as channel:
        stub = search_pb2_grpc.SearchServiceStub(channel)

        async def finds(query: str, expected: list[str] | str) -> bool:
            return await found(stub, query) == expected

        assert await finds("green", "ENGINE_UNAVAILABLE")
        milvus.start()
        await asyncio.wait_for(service.ready(), 60)
        assert await finds("green", ["tea-1"])

        milvus.kill()
        assert await finds("green", "ENGINE_UNAVAILABLE")
        await wait_until(lambda: not service.health.ready.is_set())
        await log.append([upsert(product("new", "Kefir", "Grocery > Dairy")), delete("tea-1")])
        await log.append([upsert(product("milk-1", "Ayran", "Grocery > Dairy"))])
        milvus.start()
        await wait_until(lambda: finds("kefir", ["new"]), 60)
        await wait_until(lambda: finds("ayran", ["milk-1"]))
        assert await finds("green", [])
        assert len(await found(stub, "")) == len(SHOP)
        await wait_until(service.health.ready.is_set)

        milvus.signal(signal.SIGSTOP)
        try:
            assert await finds("black", "ENGINE_UNAVAILABLE"), "soon, though it hangs"
        finally:
            milvus.signal(signal.SIGCONT)
        await wait_until(lambda: finds("black", ["tea-2"]), 30)
