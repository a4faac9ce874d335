"""A whole house of its own for the end-to-end tests: its state in a temporary folder, on free ports."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
Demos = dict[str, "subprocess.CompletedProcess[str]"]
PARTS = ["GATEWAY", "RECSYS", "SEARCH", "VISION", "PRICING"]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all at once free."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a house that meets no other one on this machine."""
    ports = free_ports(2 * len(PARTS) + 4)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment["AISLE_HOME"] = str(tmp_path_factory.mktemp("house"))
    environment["AISLE_NATS_URL"] = f"nats://127.0.0.1:{ports.pop()}"
    for part in PARTS:
        port = ports.pop()
        environment[f"AISLE_{part}_PORT"] = str(port)
        environment[f"AISLE_{part}_METRICS_PORT"] = str(ports.pop())
        environment[f"AISLE_GATEWAY_{part}_TARGET"] = f"127.0.0.1:{port}"
    environment["AISLE_GATEWAY"] = environment["AISLE_GATEWAY_GATEWAY_TARGET"]
    del environment["AISLE_GATEWAY_GATEWAY_TARGET"]
    for name in ("PORT", "HTTP_PORT", "METRICS_PORT"):
        environment[f"AISLE_TRITON_{name}"] = str(ports.pop())
    environment["AISLE_VISION_TRITON"] = f"127.0.0.1:{environment['AISLE_TRITON_PORT']}"
    return environment


def alive(home: str) -> list[str]:
    """The processes whose environment is that of the house."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AISLE_HOME") == home and process.pid != os.getpid():
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def _wait_until_well(house: dict[str, str], running: subprocess.Popen[bytes]) -> None:
    """Asks the doctor, as a person would, until all is well."""
    ends = time.monotonic() + 180
    while True:
        doctor = subprocess.run(
            [".venv/bin/aisle", "doctor", "--json"], cwd=ROOT, env=house, capture_output=True, text=True
        )
        findings = json.loads(doctor.stdout)["findings"]
        if all(finding["state"] == "ok" for finding in findings):
            return
        assert running.poll() is None, "make up has ended"
        assert time.monotonic() < ends, findings
        time.sleep(1)


@pytest.fixture(scope="session")
def demos(house: dict[str, str]) -> Demos:
    """`make demo` on the empty house, and again; nothing may be left of either."""
    done: Demos = {}
    for run in ("cold", "warm"):
        done[run] = subprocess.run(
            ["make", "demo"], cwd=ROOT, env=house, capture_output=True, text=True, timeout=720
        )
        assert alive(house["AISLE_HOME"]) == []
    return done


@pytest.fixture(scope="session")
def up(house: dict[str, str], demos: Demos) -> Iterator[dict[str, str]]:
    """`make up` over the demo shop, everything healthy; Ctrl-C at the end, and nothing may be left of it."""
    with Path(house["AISLE_HOME"], "up.txt").open("wb") as log:
        running = subprocess.Popen(
            ["make", "up"], cwd=ROOT, env=house, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_well(house, running)
            yield house
        finally:
            os.killpg(running.pid, signal.SIGINT)
            running.wait(60)
    assert alive(house["AISLE_HOME"]) == []
