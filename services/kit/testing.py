"""What tests need: conditions to wait for, a service on a real channel, a real NATS server."""

import asyncio
import inspect
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import grpc

from services.kit.channels import connect
from services.kit.server import Running, Service, serve

POLL_SECONDS: Final = 0.01
READY_SECONDS: Final = 30
NATS_START_SECONDS: Final = 20
NATS_SERVER: Final = Path(sys.prefix, "bin", "nats-server")


async def wait_until(condition: Callable[[], bool | Awaitable[bool]], timeout: float = 10) -> None:  # noqa: ASYNC109
    """Returns when the condition holds. Raises TimeoutError, naming it, after `timeout` seconds."""
    ends = time.monotonic() + timeout
    while True:
        held = condition()
        if await held if inspect.isawaitable(held) else held:
            return
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {timeout} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def running(service: Service, *, ready: bool = True) -> AsyncIterator[Running]:
    """The service on a free port of this process. With `ready`, waits until it is; raises TimeoutError."""
    server = await serve(service, "127.0.0.1:0")
    try:
        if ready:
            try:
                await asyncio.wait_for(server.ready(), READY_SECONDS)
            except TimeoutError:
                raise TimeoutError(f"{service.name} is not ready: {server.health.unwell}") from None
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def serving(service: Service, *, ready: bool = True) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the service on a free port of this process; several may be served at once."""
    async with running(service, ready=ready) as server, connect(server.target) as channel:
        yield channel


class NatsProcess:
    """A real nats-server with JetStream that may be killed and started again on its port and folder."""

    def __init__(self, folder: Path, port: int = 0, config: str = "") -> None:
        """`config` is NATS configuration text, such as "jetstream { max_file_store: 1MB }"."""
        self._folder, self._port = folder, port
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "nats.conf").write_text(config)
        self._start()

    @property
    def url(self) -> str:
        """The address for clients, the same after a restart."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process at work; another after a restart."""
        return self._process.pid

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL)."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Kills it when it runs, and starts it on the same port and folder."""
        self.kill()
        self._start()

    def _start(self) -> None:
        arguments = {
            "-a": "127.0.0.1",
            "-p": self._port or -1,
            "-sd": self._folder / "store",
        }
        arguments |= {"-c": "nats.conf", "--ports_file_dir": self._folder}
        words = [str(word) for pair in arguments.items() for word in pair]
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen([NATS_SERVER, "-js", *words], cwd=self._folder, stderr=log)
        ports = self._folder / f"nats-server_{self._process.pid}.ports"  # written once clients may connect
        ends = time.monotonic() + NATS_START_SECONDS
        while not (ports.exists() and ports.read_text().strip().endswith("}")):
            if self._process.poll() is not None or time.monotonic() > ends:
                self.kill()
                raise RuntimeError(f"nats-server did not start: {(self._folder / 'nats.log').read_text()}")
            time.sleep(POLL_SECONDS)
        self._port = int(json.loads(ports.read_text())["nats"][0].rsplit(":", 1)[1])
        ports.unlink()


@contextmanager
def nats_server(folder: Path, port: int = 0, config: str = "") -> Iterator[NatsProcess]:
    """A real NATS server with its files in the folder; port 0 takes a free one. Raises RuntimeError."""
    server = NatsProcess(folder, port, config)
    try:
        yield server
    finally:
        server.kill()
