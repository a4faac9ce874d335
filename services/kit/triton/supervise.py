"""Keeps a server running: starts it again when it dies, and ends it with whoever ran this.

    python supervise.py PREFIX COMMAND ARGUMENT...

PREFIX is how the names of its shared memory begin, which one that died leaves behind.

Triton may end when the process of a model did. It is a script of the standard library alone, since it
stays beside the server for good: 10 MiB where the house's command has a hundred.
"""

import ctypes
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Final

FIRST_WAIT: Final = 0.25
LAST_WAIT: Final = 30.0
"""Seconds before it is started again; twice as many after each death that came soon."""

SOON: Final = 30.0
"""Seconds after which a server counts as one that had come up."""

GIVEN_UP: Final = 5
"""Deaths in a row that come soon, after which whoever runs this is to decide."""

_PR_SET_PDEATHSIG: Final = 1


def supervise(prefix: str, command: list[str]) -> int:
    """Returns the exit status of the server that was told to end, that ended in peace, or was given up."""
    stopping, server = threading.Event(), list[subprocess.Popen[bytes]]()

    def stop(number: int, _: FrameType | None) -> None:
        stopping.set()
        for one in server:
            one.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    soon = 0
    while True:
        for region in Path("/dev/shm").glob(f"{prefix}*"):
            region.unlink(missing_ok=True)
        began = time.monotonic()
        server[:] = [subprocess.Popen(command, preexec_fn=_die_with_parent)]
        if stopping.is_set():  # told so while it started
            server[0].terminate()
        status = server[0].wait()
        soon = soon + 1 if time.monotonic() - began < SOON else 1
        if stopping.is_set() or status == 0 or soon >= GIVEN_UP:
            return status
        wait = min(FIRST_WAIT * 2 ** (soon - 1), LAST_WAIT)
        _tell(status, wait)
        if stopping.wait(wait):
            return status


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _tell(status: int, wait: float) -> None:
    """A line as the house's logs have them."""
    told = {"event": "server.died", "level": "error", "status": status, "again_seconds": wait}
    print(json.dumps(told), file=sys.stderr, flush=True)


if __name__ == "__main__":
    status = supervise(sys.argv[1], sys.argv[2:])
    sys.exit(status if status >= 0 else 128 - status)
