"""Starts the Procfile's processes under honcho, each with its log file, and leaves none behind."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any

import honcho.manager
import psutil
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer
from honcho.process import Process

from services.cli.run import FOLLOW, follow_parent

PROCFILE = Path(__file__).parents[2] / "Procfile"
STOP_SECONDS = 15  # a service drains, Triton unloads its models
LOG_BYTES = 20 * 1024 * 1024  # a log file that is larger starts anew

honcho.manager.KILL_WAIT = STOP_SECONDS


class Files(Printer):  # type: ignore[misc]
    """Writes each process's lines to run/<name>.log, and to another printer when there is one."""

    def __init__(self, folder: Path, shown: Printer | None) -> None:
        """Makes the folder."""
        super().__init__(output=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._shown = folder, shown
        self._files: dict[str, IO[bytes]] = {}

    def write(self, message: Message) -> None:
        """One line of one process."""
        if self._shown is not None:
            self._shown.width = self.width
            self._shown.write(message)
        name = message.name or "system"
        file = self._files.get(name)
        if file is None or file.tell() > LOG_BYTES:
            if file is not None:
                file.close()
            file = self._files[name] = (self._folder / f"{name}.log").open("wb")
        file.write(message.data if isinstance(message.data, bytes) else message.data.encode())
        file.flush()


class _Followed(Process):  # type: ignore[misc]
    """A honcho process that does not outlive honcho, even when that is killed."""

    def run(self, *arguments: Any) -> None:
        follow_parent(signal.SIGKILL)  # honcho makes it ignore the gentler signals
        super().run(*arguments)


class Fleet(honcho.manager.Manager):  # type: ignore[misc]
    """All processes of the Procfile; loop() returns when they have ended."""

    def __init__(
        self, folder: Path, *, shown: bool, started: Callable[[], None], procfile: Path = PROCFILE
    ) -> None:
        """`started` runs in a thread beside the processes once all are started."""
        super().__init__(Files(folder, Printer(sys.stderr) if shown else None))
        self._process_ctor = _Followed
        self._started = started
        environment = {**os.environ, FOLLOW: "1", "PYTHONUNBUFFERED": "1"}
        environment["PATH"] = os.pathsep.join([str(Path(sys.prefix, "bin")), os.environ.get("PATH", "")])
        for name, command in parse_procfile(procfile.read_text()).processes.items():
            self.add_process(name, f"exec {command}", env=environment)

    def run(self) -> int:
        """Runs until a signal, or until a process ends by itself; returns the exit code, 0 after a signal."""
        os.environ[FOLLOW] = "1"  # for the watchers between honcho and the processes
        try:
            self.loop()
        finally:
            end_children()
        stopped_by_signal = self.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM)
        return 0 if stopped_by_signal else int(self.returncode or 0)

    def _start(self) -> None:
        multiprocessing.set_start_method("fork", force=True)
        super()._start()
        Thread(target=self._started, daemon=True).start()  # after the forks: no thread is forked


def end_children(seconds: float = STOP_SECONDS, *, of: int | None = None) -> list[str]:
    """Ends every process below this one (or below `of`, with itself); returns those that had to be killed."""
    try:
        root = psutil.Process(of)
        family = root.children(recursive=True) + ([root] if of else [])
    except psutil.NoSuchProcess:
        return []
    return end(family, seconds)


def end(family: list[psutil.Process], seconds: float = STOP_SECONDS) -> list[str]:
    """Ends these processes; returns those that had to be killed."""
    for process in family:
        _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=seconds)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=seconds)
    return [f"{process.pid}" for process in alive]


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
