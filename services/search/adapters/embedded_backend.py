"""The engine of this process: tantivy and FAISS, over files in the home folder."""

from contextlib import AbstractContextManager
from pathlib import Path
from shutil import rmtree
from urllib.parse import quote

from services.search.adapters.faiss_vectors import FaissVectors
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.sqlite_view import open_database
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.ports import Shelf, Vectors


class EmbeddedBackend:
    """The RetrievalBackend that needs no other process, with the view that it follows."""

    def __init__(self, home: Path, dimension: int = DIMENSION) -> None:
        self._folder = home / "search" / "vectors"
        self.database = open_database(home)
        self._catalogue = TantivyCatalogue(self.database)
        self._dimension = dimension

    def look(self) -> AbstractContextManager[Shelf]:
        """See Catalogue."""
        return self._catalogue.look()

    def vectors(self, tag: str) -> Vectors:
        """See RetrievalBackend."""
        return FaissVectors(self._dimension, folder=self._lists(tag))

    def keep_vectors(self, tag: str) -> None:
        """See RetrievalBackend. Lists of other tags are deleted: they can be made again from the view."""
        for other in self._folder.glob("*"):
            if other != self._lists(tag):
                rmtree(other, ignore_errors=True)

    def open(self) -> None:
        """See RetrievalBackend. It is open."""

    def discard(self) -> None:
        """Closes it for good; its files are the folder's owner's."""
        self.database.close()

    def _lists(self, tag: str) -> Path:
        return self._folder / quote(tag, safe="")
