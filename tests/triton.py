"""A real tritonserver for tests and benchmarks."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.kit.triton.config import TritonConfig
from services.kit.triton.launch import HINT, TritonMissing, command

START_SECONDS = 40


class TritonProcess:
    """A real tritonserver that may be killed and started again on its ports."""

    def __init__(self, home: Path, *, instances: int = 1, seconds: float = START_SECONDS) -> None:
        """`instances` of each network, one a core when 0; `seconds` is how long a start may take."""
        self.home, self._seconds = home, seconds
        self._ports = [_free_port() for _ in range(3)]
        names = ("AISLE_TRITON_PORT", "AISLE_TRITON_HTTP_PORT", "AISLE_TRITON_METRICS_PORT")
        self._settings = {name: str(port) for name, port in zip(names, self._ports, strict=True)}
        self._settings["AISLE_TRITON_INSTANCES"] = str(instances)
        self._process: subprocess.Popen[bytes] | None = None
        self.restart()

    @property
    def url(self) -> str:
        """Where it answers gRPC."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def pid(self) -> int:
        """The server's process, a child of what keeps it running; another once it was started again."""
        assert self._process is not None
        (server,) = psutil.Process(self._process.pid).children()
        return server.pid

    def workers(self, version: str) -> list[int]:
        """The processes that run a version's code, which is named by its model and number."""
        found = []
        for child in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.ZombieProcess):
                found += [child.pid for word in child.cmdline() if f"/{version}/" in word][:1]
        return found

    def kill(self) -> None:
        """Ends it, and the processes of its models, as a power cut would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ends it in good order, so that it leaves no shared memory."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        self.kill()

    def restart(self) -> None:
        """Kills it when it runs, and starts it; returns when it lives."""
        self.kill()
        with (self.home / "triton.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services", "run", "triton"],
                env={**os.environ, "AISLE_HOME": str(self.home), **self._settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + self._seconds
        while not self.lives():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.kill()
                raise RuntimeError((self.home / "triton.log").read_text()[-3000:])
            time.sleep(0.05)

    def lives(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[1]}/v2/health/live", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running_triton(home: Path) -> Iterator[TritonProcess]:
    """A Triton on a home, which services share with it; skips the test where there is none."""
    try:
        command(TritonConfig(home=home))  # type: ignore[call-arg]
    except TritonMissing:
        pytest.skip(f"no Triton here: {HINT}")
    process = TritonProcess(home)
    try:
        yield process
    finally:
        process.stop()
