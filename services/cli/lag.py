"""How far each service's view is behind the log, read from the views' own files."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from services.cli.settings import SERVICES, Config
from services.kit.log import CATALOG, EVENTS
from services.kit.nats_log import NatsLog

POLL_SECONDS = 0.5


async def ends(config: Config) -> dict[str, int]:
    """The last sequence of each stream. Raises when the log does not answer."""
    log = NatsLog(config.nats_url)
    await log.start()
    try:
        return {stream: await log.end(stream) for stream in (CATALOG, EVENTS)}
    finally:
        await log.close()


def positions(home: Path) -> dict[str, dict[str, int]]:
    """Service -> stream -> the sequence its view stands at, for views whose file is here."""
    found: dict[str, dict[str, int]] = {}
    for service in SERVICES:
        for path in sorted((home / service).glob("*.db")):
            found.setdefault(service, {CATALOG: 0}).update(_positions(path))  # every view follows CATALOG
    return found


def behind(config: Config, end: Mapping[str, int]) -> dict[str, int]:
    """Service -> messages that its view has not taken in yet."""
    return {
        service: sum(max(0, end.get(stream, 0) - position) for stream, position in streams.items())
        for service, streams in positions(config.home).items()
    }


async def wait(config: Config, seconds: float, tell: Callable[[Mapping[str, int]], None]) -> dict[str, int]:
    """Until every view has what is in the log now; returns how far each is behind, 0 unless time ran out."""
    end = await ends(config)
    until = time.monotonic() + seconds
    while True:
        left = behind(config, end)
        tell(left)
        if (left and not any(left.values())) or time.monotonic() > until:
            return left
        await asyncio.sleep(POLL_SECONDS)


def _positions(path: Path) -> dict[str, int]:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
    except sqlite3.Error:
        return {}
    try:
        for table in ("_positions", "positions"):
            known = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
            )
            if known.fetchone():
                return dict(connection.execute(f"SELECT stream, sequence FROM {table}"))
    except sqlite3.Error:
        return {}
    finally:
        connection.close()
    return {}
