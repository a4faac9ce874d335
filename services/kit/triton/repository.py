"""The repository that Triton reads, home/triton/models: templates around exported models, by version."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Final

from services.kit.models import Model

KEPT: Final = 2
"""Versions that stay: the one that serves and the one before. The configurations have Triton load both."""


def root_of(home: Path) -> Path:
    """The repository of a home folder."""
    return home / "triton" / "models"


def versions_of(folder: Path) -> list[int]:
    """The versions of a model's folder, the newest last."""
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def version_of(model: Model) -> int:
    """The store's version ("20260131T120000123") as the integer that Triton wants."""
    return int("".join(filter(str.isdigit, model.version)))


class TritonModel:
    """One model of the repository; safe to use from several processes.

    Its template is a folder with `model.py` and `configs/<device>.pbtxt`.
    """

    def __init__(self, home: Path, name: str, template: Path, code: Sequence[Path] = ()) -> None:
        """`code` are files that every version needs beside model.py."""
        self.name, self.folder = name, root_of(home) / name
        self._template = template
        self._code = [template / "model.py", *code]

    def configure(self, **values: object) -> None:
        """Writes the configuration of each device; NAME is the model's own."""
        folder = self.folder / "configs"
        folder.mkdir(parents=True, exist_ok=True)
        for source in (self._template / "configs").iterdir():
            _replace(
                folder / source.name, Template(source.read_text()).substitute(values | {"NAME": self.name})
            )

    @property
    def configured(self) -> bool:
        """Whether its configurations are there."""
        return (self.folder / "configs").is_dir()

    def versions(self) -> list[int]:
        """The versions that are there, the newest last."""
        return versions_of(self.folder)

    def path(self, version: int) -> Path:
        """Where a version stands, or would."""
        return self.folder / str(version)

    def put(self, version: int, files: Sequence[Path] = ()) -> None:
        """Makes a version, whole or not at all; brings what older software left there up to date."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.path(version).exists():
            folder = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder.parent))
            for source in (*files, *self._code):
                shutil.copyfile(source, folder / source.name)
            # A file where the folder would be: byte code there is a change, for which Triton loads again.
            (folder / "__pycache__").touch()
            folder.chmod(0o755)
            try:
                folder.rename(self.path(version))
            except OSError:  # another process was faster with the same version
                shutil.rmtree(folder)
        for source in self._code:
            for there in self.versions():
                _replace(self.path(there) / source.name, source.read_text())

    def discard(self, version: int) -> None:
        """Takes a version out."""
        shutil.rmtree(self.path(version), ignore_errors=True)

    def renew(self, version: int) -> None:
        """Has Triton start a version's processes anew at the next load, though nothing changed."""
        os.utime(self.path(version) / "model.py")


def cores(instances: int) -> int:
    """How many instances run of a model: as many as are asked for, one a core when 0."""
    return instances or os.cpu_count() or 1


def _replace(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return  # Triton loads a model again whose files are newer
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).chmod(0o644)
    os.replace(name, path)
