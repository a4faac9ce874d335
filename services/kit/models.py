"""Versioned model folders with checksums, the `current` pointer, and the watcher that swaps models."""

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.kit import logs
from services.kit.errors import passing
from services.kit.progress import Metric

_MANIFEST = "manifest.json"
_CURRENT = "current"

_logger = logs.get(__name__)


@dataclass(frozen=True)
class Model:
    """A model that is whole: its folder, its held-out figures, and the data it was made from."""

    version: str
    path: Path
    metrics: Mapping[str, Metric]
    span: Mapping[str, str]


class ModelStore:
    """The models of one service, under home/models/<service>. Safe to use from several processes."""

    def __init__(self, home: Path, service: str) -> None:
        self.root = home / "models" / service

    def create(
        self,
        files: Callable[[Path], None],
        *,
        metrics: Mapping[str, Metric],
        span: Mapping[str, str],
        promote: bool = True,
    ) -> Model:
        """Has `files` fill a folder, seals it with checksums and gives it a version, all or nothing."""
        self.root.mkdir(parents=True, exist_ok=True)
        version = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
        folder = Path(tempfile.mkdtemp(prefix=".new-", dir=self.root))
        try:
            files(folder)
            checksums = {str(path.relative_to(folder)): _checksum(path) for path in _files(folder)}
            manifest = {"version": version, "metrics": metrics, "span": span, "files": checksums}
            _write(folder / _MANIFEST, json.dumps(manifest, indent=2, sort_keys=True))
            folder.chmod(0o755)
            folder.rename(self.root / version)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if promote:
            self.promote(version)
        return Model(version, self.root / version, metrics, span)

    def promote(self, version: str) -> None:
        """Makes a version the current one, atomically. Raises ValueError when it is not whole."""
        if self.find(version) is None:
            raise ValueError(f"model {version} is damaged or not there")
        _write(self.root / _CURRENT, version)

    def current(self) -> Model | None:
        """The current model, or the newest whole one when the current is damaged; None when there is none."""
        version = self.pointer()
        if not version:
            return None
        model = self.find(version)
        if model is not None:
            return model
        _logger.error("model.damaged", path=str(self.root / version))
        older = sorted((path.name for path in self.root.iterdir() if path.name[0] != "."), reverse=True)
        found = (self.find(name) for name in older if name not in (version, _CURRENT))
        return next((model for model in found if model is not None), None)

    def pointer(self) -> str:
        """The version that is to be current, unchecked; empty when none is."""
        try:
            return (self.root / _CURRENT).read_text().strip()
        except FileNotFoundError:
            return ""

    def find(self, version: str) -> Model | None:
        """A version, current or not; None when it is damaged or not there."""
        path = self.root / version
        try:
            manifest = json.loads((path / _MANIFEST).read_text())
            whole = all(_checksum(path / name) == checksum for name, checksum in manifest["files"].items())
            return Model(version, path, manifest["metrics"], manifest["span"]) if whole else None
        except (OSError, ValueError, KeyError):
            return None


class ModelWatcher:
    """Loads the current model at start and whenever it changes, without stopping the one that serves.

    `load` runs in a thread. A model that is damaged, or that `load` refuses by raising, leaves the one
    that serves in its place.
    """

    optional = True

    def __init__(
        self,
        store: ModelStore,
        load: Callable[[Model], None],
        *,
        seconds: float = 1.0,
        name: str = "model",
        required: bool = True,
    ) -> None:
        """With `required` false it is well without a model too."""
        self.name = name
        self._required = required
        self._store = store
        self._load = load
        self._seconds = seconds
        self._pointer = ""
        self._version = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Loads the current model, if there is one, and begins to watch."""
        await asyncio.to_thread(self._look)
        self._task = asyncio.create_task(self._watch())

    async def ping(self) -> None:
        """Raises while no model is loaded that is required."""
        if self._required and not self._version:
            raise RuntimeError(f"{self.name}: no model is loaded")

    async def close(self) -> None:
        """Stops watching."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        pointer = self._store.pointer()
        if pointer == self._pointer:
            return
        self._pointer = pointer
        model = self._store.current()
        if model is None or model.version == self._version:
            return
        try:
            self._load(model)
        except Exception as error:
            # Whatever a model's code raises, the model that serves must go on serving.
            if passing(error):
                self._pointer = ""  # nothing is wrong with the model: it is tried again
            _logger.error("model.refused", version=model.version, error=f"{type(error).__name__}: {error}")
            return
        self._version = model.version
        _logger.info("model.serving", version=model.version)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _MANIFEST)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    """Replaces a file as a whole: after a crash it holds the old text or the new."""
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)
