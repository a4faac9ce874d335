"""The model that Triton runs for search: token ids in, a text's vector out."""

from pathlib import Path
from typing import Final

from services.kit.models import Model, ModelStore
from services.kit.triton.config import TritonConfig
from services.kit.triton.repository import KEPT, TritonModel, cores, version_of
from services.search.adapters.onnx_encoder import EXACT_FILE, MODEL_FILE
from services.search.config import Config

NAME: Final = "all_minilm_l6_v2"
TEMPLATE: Final = Path(__file__).parent / "model_repository" / "texts"


def prepare(config: TritonConfig) -> None:
    """Makes the repository ready for a Triton that starts, with the model where search asks Triton."""
    home = config.home.resolve()
    repository = Repository(home)
    repository.configure(config.instances)
    model = ModelStore(home, "search").current()
    if model is not None and Config().embed == "triton":
        repository.assemble(model)


class Repository:
    """The model in the repository; safe to use from several processes."""

    def __init__(self, home: Path) -> None:
        self.name = NAME
        self._texts = TritonModel(home, NAME, TEMPLATE)

    def configure(self, instances: int = 0) -> None:
        """Writes the configurations; `instances` run at once, one a core when 0."""
        self._texts.configure(INSTANCES=cores(instances))

    def assemble(self, model: Model) -> int:
        """Puts a model there, beside the newest other one; returns its version."""
        if not self._texts.configured:  # Triton was started without search's settings
            self.configure(TritonConfig().instances)
        version = version_of(model)
        files = [model.path / name for name in (MODEL_FILE, EXACT_FILE) if (model.path / name).exists()]
        self._texts.put(version, files)
        others = [there for there in self._texts.versions() if there != version]
        for other in others[: 1 - KEPT]:
            self._texts.discard(other)
        return version

    def discard(self, version: int) -> None:
        """Takes a version out."""
        self._texts.discard(version)

    def renew(self, version: int) -> None:
        """Has Triton start a version's processes anew at the next load, though nothing changed."""
        self._texts.renew(version)
