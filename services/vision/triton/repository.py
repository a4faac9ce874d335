"""The model repository that Triton reads: our template around an exported network, by version."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

from services.kit.models import Model
from services.vision.domain.seen import Classes

NAME: Final = "efficientnet_lite0"
"""The model's name in Triton."""

TEMPLATE: Final = Path(__file__).parent / "model_repository" / NAME
IMAGE_CODE: Final = Path(__file__).parents[1] / "domain" / "image.py"
KEPT: Final = 2
"""Versions that stay on the disk: the one that serves and the one before."""


def classes_of(folder: Path) -> Classes:
    """The classes of a model folder. Raises OSError or ValueError."""
    names = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()
    told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return Classes(names, told.get("products", {}), float(told.get("unknown_below", 0.0)))


def version_of(model: Model) -> int:
    """The store's version ("20260131T120000123") as the integer that Triton wants."""
    return int("".join(filter(str.isdigit, model.version)))


class Repository:
    """The folder home/triton/models; safe to use from several processes."""

    def __init__(self, home: Path, *, name: str = NAME, instances: int = 0) -> None:
        """`instances` of the network run at once; as many as the machine has cores when 0."""
        self.root = home / "triton" / "models"
        self.folder = self.root / name
        self._name = name
        self._instances = instances or os.cpu_count() or 1

    def versions(self) -> list[int]:
        """The versions that are there, the newest last."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit())

    def assemble(self, model: Model) -> int:
        """Puts a model there, whole or not at all, and makes it the one to load; returns its version.

        Raises ValueError for a model whose parts do not fit, before Triton could see it.
        """
        shape = json.loads((model.path / "model.json").read_text())
        names = (model.path / "labels.txt").read_text(encoding="utf-8").splitlines()
        if len(names) != shape["labels"]:
            raise ValueError(f"the model has {len(names)} names for {shape['labels']} classes")
        version = version_of(model)
        target = self.folder / str(version)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            folder = Path(tempfile.mkdtemp(prefix=".new-", dir=self.root))
            for source in (TEMPLATE / "model.py", IMAGE_CODE, *sorted(model.path.iterdir())):
                shutil.copyfile(source, folder / source.name)
            folder.chmod(0o755)
            try:
                folder.rename(target)
            except OSError:  # another process was faster with the same version
                shutil.rmtree(folder)
        self.select(version)
        return version

    def select(self, version: int) -> None:
        """Writes the configurations that a version needs, and drops all later versions."""
        for later in (other for other in self.versions() if other > version):
            shutil.rmtree(self.folder / str(later), ignore_errors=True)
        shape = self.shape(version)
        (self.folder / "configs").mkdir(exist_ok=True)
        for source in (TEMPLATE / "configs").iterdir():
            text = Template(source.read_text()).safe_substitute(self._values(shape))
            _replace(self.folder / "configs" / source.name, text)

    def discard(self, version: int) -> None:
        """Takes a version out that Triton refused; the one before is the one to load."""
        shutil.rmtree(self.folder / str(version), ignore_errors=True)
        if versions := self.versions():
            self.select(versions[-1])

    def shape(self, version: int) -> Mapping[str, Any]:
        """How many `labels` and `embedding` dimensions a version has. Raises OSError or ValueError."""
        shape: Mapping[str, Any] = json.loads((self.folder / str(version) / "model.json").read_text())
        return shape

    def classes(self, version: int) -> Classes:
        """A version's classes. Raises OSError or ValueError."""
        return classes_of(self.folder / str(version))

    def prune(self) -> None:
        """Removes all but the newest versions."""
        for version in self.versions()[:-KEPT]:
            shutil.rmtree(self.folder / str(version), ignore_errors=True)

    def _values(self, shape: Mapping[str, Any]) -> Mapping[str, object]:
        return {
            "NAME": self._name,
            "INSTANCES": self._instances,
            "LABELS": shape["labels"],
            "EMBEDDING": shape["embedding"],
        }


def _replace(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return  # Triton loads a model again whose files are newer
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).chmod(0o644)
    os.replace(name, path)
