"""The model repository that Triton reads: our templates around an exported network, by version."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

from services.kit.models import Model
from services.vision.domain.seen import Classes

NAME: Final = "efficientnet_lite0"
"""What callers ask for: it takes pictures."""

TEMPLATES: Final = Path(__file__).parent / "model_repository"
IMAGE_CODE: Final = Path(__file__).parents[1] / "domain" / "image.py"
KEPT: Final = 2
"""Versions that stay: the one that serves and the one before. The configurations have Triton load both."""

SIDE_FILES: Final = {"network": (), "pictures": (IMAGE_CODE,)}
"""What each template's versions need beside their own code."""


def classes_of(folder: Path) -> Classes:
    """The classes of a model folder. Raises OSError or ValueError."""
    names = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()
    told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    bound = float(told.get("unknown_below", 0.0))
    return Classes(names, told.get("products", {}), bound, told.get("groups", {}))


def version_of(model: Model) -> int:
    """The store's version ("20260131T120000123") as the integer that Triton wants."""
    return int("".join(filter(str.isdigit, model.version)))


class Repository:
    """The folder home/triton/models; safe to use from several processes.

    It holds two models of the same versions: `name`_network, pixels in, and `name`, pictures in, whose every
    version asks the network's same version. A version is put into the first, tried there, and then opened in
    the second: so callers go from one version to the next at once, and never to one that does not work.
    """

    def __init__(self, home: Path, *, name: str = NAME) -> None:
        self.root = home / "triton" / "models"
        self.name, self.network = name, f"{name}_network"

    def configure(self, instances: int = 0) -> None:
        """Writes all configurations; `instances` of the network run at once, one a core when 0."""
        instances = instances or os.cpu_count() or 1
        values = {
            "NAME": self.name,
            "INSTANCES": instances,
            "ENGINES": self.root.parent / "engines",
        }
        for template, name in (("network", self.network), ("pictures", self.name)):
            folder = self.root / name / "configs"
            folder.mkdir(parents=True, exist_ok=True)
            for source in (TEMPLATES / template / "configs").iterdir():
                _replace(folder / source.name, Template(source.read_text()).substitute(values))

    def versions(self) -> list[int]:
        """The network's versions that are there, the newest last."""
        return _versions(self.root / self.network)

    def opened(self) -> list[int]:
        """The versions that callers may ask, the newest last."""
        return _versions(self.root / self.name)

    def assemble(self, model: Model) -> int:
        """Puts a model there, whole or not at all, and makes it the one to load; returns its version.

        Raises ValueError for a model whose parts do not fit, before Triton could see it.
        """
        shape = json.loads((model.path / "model.json").read_text())
        names = (model.path / "labels.txt").read_text(encoding="utf-8").splitlines()
        if len(names) != shape["labels"]:
            raise ValueError(f"the model has {len(names)} names for {shape['labels']} classes")
        version = version_of(model)
        self._put("network", self.network, version, sorted(model.path.iterdir()))
        # Now rather than once it serves: each change is one for which Triton loads a model again.
        kept = [there for there in self.versions() if there <= version][-KEPT:]
        for other in self._all() - set(kept):
            self.discard(other)
        return version

    def open(self, version: int) -> None:
        """Lets callers ask for a version, from the next load on."""
        self._put("pictures", self.name, version, ())

    def discard(self, version: int) -> None:
        """Takes a version out."""
        for name in (self.name, self.network):
            shutil.rmtree(self.root / name / str(version), ignore_errors=True)

    def renew(self, version: int) -> None:
        """Has Triton start a version's processes anew at the next load, though nothing changed."""
        for name in (self.name, self.network):
            os.utime(self.root / name / str(version) / "model.py")

    def shape(self, version: int) -> Mapping[str, Any]:
        """How many `labels` and `embedding` dimensions a version has. Raises OSError or ValueError."""
        text = (self.root / self.network / str(version) / "model.json").read_text()
        shape: Mapping[str, Any] = json.loads(text)
        return shape

    def classes(self, version: int) -> Classes:
        """A version's classes. Raises OSError or ValueError."""
        return classes_of(self.root / self.network / str(version))

    def _all(self) -> set[int]:
        return {*self.versions(), *self.opened()}

    def _put(self, template: str, name: str, version: int, files: Sequence[Path]) -> None:
        """Makes a version of a model from its template; brings what older software left there up to date."""
        model = self.root / name
        model.mkdir(parents=True, exist_ok=True)
        code = [TEMPLATES / template / "model.py", *SIDE_FILES[template]]
        if not (model / str(version)).exists():
            folder = Path(tempfile.mkdtemp(prefix=".new-", dir=self.root))
            for source in (*files, *code):
                shutil.copyfile(source, folder / source.name)
            # A file where the folder would be: byte code there is a change, for which Triton loads again.
            (folder / "__pycache__").touch()
            folder.chmod(0o755)
            try:
                folder.rename(model / str(version))
            except OSError:  # another process was faster with the same version
                shutil.rmtree(folder)
        for source in code:
            for there in _versions(model):
                _replace(model / str(there) / source.name, source.read_text())


def _versions(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def _replace(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return  # Triton loads a model again whose files are newer
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).chmod(0o644)
    os.replace(name, path)
