"""The two models that Triton runs for vision: a network, and what decodes pictures in front of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from services.kit.models import Model, ModelStore
from services.kit.triton.config import TritonConfig
from services.kit.triton.repository import KEPT, TritonModel, cores, root_of, version_of
from services.vision.domain.seen import Classes

NAME: Final = "efficientnet_lite0"
"""What callers ask for: it takes pictures."""

TEMPLATES: Final = Path(__file__).parent / "model_repository"
IMAGE_CODE: Final = Path(__file__).parents[1] / "domain" / "image.py"
SEEING_CODE: Final = TEMPLATES / "seeing.py"


def prepare(config: TritonConfig) -> None:
    """Makes the repository ready for a Triton that starts: its configurations, and the current model.

    Raises ValueError for a model whose parts do not fit.
    """
    home = config.home.resolve()
    repository = Repository(home)
    repository.configure(config.instances)
    model = ModelStore(home, "vision").current()
    if model is not None:
        repository.assemble(model)


def classes_of(folder: Path) -> Classes:
    """The classes of a model folder. Raises OSError or ValueError."""
    names = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()
    told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    bound = float(told.get("unknown_below", 0.0))
    return Classes(names, told.get("products", {}), bound, told.get("groups", {}))


class Repository:
    """Both models, of the same versions; safe to use from several processes.

    They are `name`_network, pixels in, and `name`, pictures in, whose every version asks the network's same
    version. A version is put into the first, tried there, and then opened in the second: so callers go from
    one version to the next at once, and never to one that does not work.
    """

    def __init__(self, home: Path, *, name: str = NAME) -> None:
        self.root = root_of(home)
        self.name, self.network = name, f"{name}_network"
        self._network = TritonModel(home, self.network, TEMPLATES / "network", [SEEING_CODE])
        self._pictures = TritonModel(home, self.name, TEMPLATES / "pictures", [IMAGE_CODE, SEEING_CODE])
        self._kept = self.root.parent / "kept" / name

    def configure(self, instances: int = 0) -> None:
        """Writes all configurations; `instances` of the network run at once, one a core when 0."""
        values = {"INSTANCES": cores(instances), "ENGINES": self.root.parent / "engines"}
        self._network.configure(**values)
        self._pictures.configure(**values)

    def versions(self) -> list[int]:
        """The network's versions that are there, the newest last."""
        return self._network.versions()

    def opened(self) -> list[int]:
        """The versions that callers may ask, the newest last."""
        return self._pictures.versions()

    def assemble(self, model: Model) -> int:
        """Puts a model there, whole or not at all, and makes it the one to load; returns its version.

        Raises ValueError for a model whose parts do not fit, before Triton could see it.
        """
        shape = json.loads((model.path / "model.json").read_text())
        names = (model.path / "labels.txt").read_text(encoding="utf-8").splitlines()
        if len(names) != shape["labels"]:
            raise ValueError(f"the model has {len(names)} names for {shape['labels']} classes")
        version = version_of(model)
        self._network.put(version, sorted(model.path.iterdir()))
        # Now rather than once it serves: each change is one for which Triton loads a model again.
        older = [there for there in self.versions() if there <= version]
        for other in {*self.versions(), *self.opened()} - {*older[-KEPT:], *({self.kept()} & {*older})}:
            self.discard(other)
        return version

    def keep(self, version: int) -> None:
        """Has a version stay, however many newer ones come, until another is kept."""
        if version != self.kept():
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            new = self._kept.with_name(f".{self.name}")
            new.write_text(str(version))
            new.replace(self._kept)

    def kept(self) -> int:
        """The version that is kept; 0 for none."""
        return int(self._kept.read_text()) if self._kept.exists() else 0

    def open(self, version: int) -> None:
        """Lets callers ask for a version, from the next load on."""
        self._pictures.put(version)

    def discard(self, version: int) -> None:
        """Takes a version out."""
        for model in (self._pictures, self._network):
            model.discard(version)

    def renew(self, version: int) -> None:
        """Has Triton start a version's processes anew at the next load, though nothing changed."""
        for model in (self._pictures, self._network):
            model.renew(version)

    def shape(self, version: int) -> Mapping[str, Any]:
        """How many `labels` and `embedding` dimensions a version has. Raises OSError or ValueError."""
        shape: Mapping[str, Any] = json.loads((self._network.path(version) / "model.json").read_text())
        return shape

    def classes(self, version: int) -> Classes:
        """A version's classes. Raises OSError or ValueError."""
        return classes_of(self._network.path(version))
