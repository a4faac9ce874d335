"""A server that dies is started again; one that is told to end, ends, and nothing of it stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from services.kit.triton import supervise

PREFIX = f"aisle-test-supervise-{os.getpid()}-"

# Writes its process id, and dies as often as it is told before it stays.
SERVER = """
import os, signal, sys
path, deaths = sys.argv[1], int(sys.argv[2])
with open(path, "a") as file:
    print(os.getpid(), file=file)
if len(open(path).readlines()) <= deaths:
    os.kill(os.getpid(), signal.SIGSEGV)
signal.pause()
"""


def started(path: Path, deaths: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        supervise.__file__,
        PREFIX,
        sys.executable,
        "-c",
        SERVER,
        str(path),
        str(deaths),
    ]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def servers(path: Path, count: int) -> list[int]:
    """The process ids, once there are so many."""
    ends = time.monotonic() + 20
    while not path.exists() or len(found := path.read_text().split()) < count:
        assert time.monotonic() < ends
        time.sleep(0.01)
    return [int(one) for one in found]


def test_what_dies_is_started_again_and_ends_when_it_is_told(tmp_path: Path) -> None:
    left = Path("/dev/shm", f"{PREFIX}left")
    left.touch()
    one = started(tmp_path / "pids", deaths=2)
    last = servers(tmp_path / "pids", 3)[-1]
    one.terminate()
    _, told = one.communicate(timeout=10)
    assert one.returncode in (0, 128 + signal.SIGTERM)
    assert told.count(b'"server.died"') == 2
    assert not left.exists()
    assert not psutil.pid_exists(last)


def test_what_never_comes_up_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "FIRST_WAIT", 0.001)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        command = [sys.executable, "-c", SERVER, str(tmp_path / "pids"), "100"]
        assert supervise.supervise(PREFIX, command) == -signal.SIGSEGV
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert len(servers(tmp_path / "pids", 1)) == supervise.GIVEN_UP


def test_killed_it_takes_the_server_along(tmp_path: Path) -> None:
    one = started(tmp_path / "pids", deaths=0)
    (server,) = servers(tmp_path / "pids", 1)
    os.kill(one.pid, signal.SIGKILL)
    one.wait()
    psutil.wait_procs([psutil.Process(server)] if psutil.pid_exists(server) else [], timeout=10)
    assert not psutil.pid_exists(server)
