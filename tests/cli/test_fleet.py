"""Processes started together end together, however the one that started them ends."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.cli import fleet
from services.kit.testing import wait_until

PROGRAM = """
import sys
from pathlib import Path
from services.cli.fleet import Fleet
folder = Path(sys.argv[1])
started = lambda: (folder / "started").touch()
sys.exit(Fleet(folder / "run", shown=False, started=started, procfile=folder / "Procfile").run())
"""
SLEEPER = (  # as `aisle run` does it
    f'{sys.executable} -u -c "import time; from services.cli.run import follow_parent; follow_parent(); '
    "print('hello'); time.sleep(600)\""
)
STUBBORN = (
    f'{sys.executable} -u -c "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
    "print('hello'); time.sleep(600)\""
)


def start(folder: Path, **processes: str) -> "subprocess.Popen[bytes]":
    (folder / "Procfile").write_text("".join(f"{name}: {command}\n" for name, command in processes.items()))
    return subprocess.Popen([sys.executable, "-c", PROGRAM, folder], cwd=Path(fleet.__file__).parents[2])


async def all_say_hello(folder: Path, *names: str) -> None:
    files = [folder / "run" / f"{name}.log" for name in names]
    await wait_until(lambda: all(f.exists() and b"hello" in f.read_bytes() for f in files), timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_none_is_left(tmp_path: Path, number: int) -> None:
    process = start(tmp_path, one=SLEEPER, two=SLEEPER)
    await all_say_hello(tmp_path, "one", "two")
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 4  # a watcher and a process each
    process.send_signal(number)
    code = await asyncio.to_thread(process.wait)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    await wait_until(lambda: not any(member.is_running() for member in family), timeout=20)
    assert (tmp_path / "started").exists()


async def test_when_one_ends_all_end_and_the_code_tells(tmp_path: Path) -> None:
    process = start(tmp_path, one=SLEEPER, two=f'{sys.executable} -c "import time; time.sleep(0.5); exit(3)"')
    assert await asyncio.to_thread(process.wait, 60) == 3


async def test_what_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("")
    process = await asyncio.create_subprocess_exec("sh", "-c", STUBBORN, stdout=subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    killed = await asyncio.to_thread(fleet.end_children, 0.3, of=process.pid)
    assert len(killed) >= 1
    await process.wait()
