"""What `aisle doctor` looks at: each check says how a part is and what to do."""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from services.cli import health, lag
from services.cli.run import nats_binary
from services.cli.settings import Config
from services.kit.models import ModelStore
from services.kit.triton import launch
from services.kit.triton.config import TritonConfig

MIN_PYTHON = (3, 11)
MIN_FREE_BYTES = 2 * 1024**3
FAR_BEHIND = 10_000

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True)
class Finding:
    """One part's state; `todo` is what to do, "" when nothing is."""

    part: str
    state: State
    found: str
    todo: str = ""


def look(config: Config) -> list[Finding]:
    """All checks, in the order to read them; a check that itself fails is a finding too."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings.extend(check(config))
        except Exception as error:  # whatever is broken, the other checks are still wanted
            name = check.__name__.strip("_").replace("_", " ")
            findings.append(Finding(name, "broken", f"{type(error).__name__}: {error}", "run `make setup`"))
    return findings


def _python(_: Config) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= MIN_PYTHON
    yield Finding("python", "ok" if good else "broken", version, "" if good else "use Python 3.11 or newer")


def _disk(config: Config) -> Iterator[Finding]:
    folder = next(
        place for place in (config.home.resolve(), *config.home.resolve().parents) if place.exists()
    )
    free = shutil.disk_usage(folder).free
    todo = "" if free >= MIN_FREE_BYTES else f"free some space under {config.home}, or set AISLE_HOME"
    yield Finding("disk", "broken" if todo else "ok", f"{free / 1024**3:.1f} GiB free", todo)


def _nats(_: Config) -> Iterator[Finding]:
    try:
        out = subprocess.run(
            [nats_binary(), "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding("nats binary", "broken", str(error), "run `make setup`")
    else:
        yield Finding("nats binary", "ok", out.stdout.strip())


def _triton(_: Config) -> Iterator[Finding]:
    try:
        yield Finding("triton binary", "ok", str(launch.binary(TritonConfig())))
    except launch.TritonMissing as error:
        what, hint = str(error).split(": ", 1)
        yield Finding("triton binary", "broken", what, hint)


def _models(config: Config) -> Iterator[Finding]:
    for service in ("recsys", "search", "vision"):
        model = ModelStore(config.home, service).current()
        if model is not None:
            yield Finding(f"model of {service}", "ok", model.version)
        else:
            yield Finding(f"model of {service}", "warning", "none", f"run `aisle train {service}`")


def _parts(config: Config) -> Iterator[Finding]:
    """Each part serves, or its port is free for it."""
    where = health.addresses(config)
    answers = asyncio.run(health.ask_all(where))
    up = any(answer == health.OK for answer in answers.values())
    for part, answer in answers.items():
        if answer == health.OK:
            yield Finding(part, "ok", f"serves on {where[part]}")
        elif _listens(where[part]):
            log = config.home / "run" / f"{part}.log"
            yield Finding(
                part,
                "broken",
                f"{where[part]}: {answer}",
                f"look into {log}; or another program has the port",
            )
        elif up:
            log = config.home / "run" / f"{part}.log"
            yield Finding(
                part, "broken", f"nothing on {where[part]}", f"look into {log}, then run `aisle up` again"
            )
        else:
            yield Finding(part, "warning", f"not running; {where[part]} is free", "run `aisle up`")


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _log(config: Config) -> Iterator[Finding]:
    address = health.addresses(config)["nats"]
    if not _listens(address):
        return
    try:
        end = asyncio.run(asyncio.wait_for(lag.ends(config), 5))
    except Exception as error:
        yield Finding(
            "log", "broken", f"{type(error).__name__}: {error}", f"look into {config.home}/run/nats.log"
        )
        return
    yield Finding("log", "ok", ", ".join(f"{stream} at {sequence:,}" for stream, sequence in end.items()))
    for service, left in lag.behind(config, end).items():
        todo = f"wait; if it stays, look into {config.home}/run/{service}.log" if left > FAR_BEHIND else ""
        yield Finding(f"view of {service}", "warning" if todo else "ok", f"{left:,} messages behind", todo)


CHECKS: tuple[Callable[[Config], Iterator[Finding]], ...] = (
    _python,
    _disk,
    _nats,
    _triton,
    _models,
    _parts,
    _log,
)


def report(findings: list[Finding]) -> dict[str, Any]:
    """As JSON says it."""
    return {
        "healthy": all(finding.state != "broken" for finding in findings),
        "findings": [
            {"part": f.part, "state": f.state, "found": f.found, "todo": f.todo} for f in findings
        ],
    }  # fmt: skip
