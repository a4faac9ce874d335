"""Milvus as the engine: words and vectors in its collections, what the log tells in the view's file."""

from contextlib import AbstractContextManager
from pathlib import Path

from pymilvus import MilvusClient

from services.search.adapters.milvus_shelf import MilvusCatalogue
from services.search.adapters.milvus_vectors import MilvusVectors
from services.search.adapters.milvus_words import MilvusWords
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.sqlite_view import open_database
from services.search.domain.ports import Shelf, Vectors


class MilvusBackend:
    """A Milvus at a URI; a path of a file is a milvus-lite in this process, for trying it out."""

    def __init__(
        self, home: Path, uri: str, prefix: str = "aisle", token: str = "", dimension: int = DIMENSION
    ) -> None:
        self._client = MilvusClient(uri, token=token)
        self._prefix = prefix
        self._dimension = dimension
        words = MilvusWords(self._client, prefix)
        self.database = open_database(home, lambda _: words)
        self._catalogue = MilvusCatalogue(self.database, words)

    def look(self) -> AbstractContextManager[Shelf]:
        """See Catalogue."""
        return self._catalogue.look()

    def vectors(self, tag: str) -> Vectors:
        """See RetrievalBackend."""
        return MilvusVectors(self._client, self._prefix, tag, self._dimension)

    def keep_vectors(self, tag: str) -> None:
        """See RetrievalBackend. Another replica may still serve from another model's collection: all stay."""

    def discard(self) -> None:
        """Drops the collections of this prefix, and closes it for good."""
        for name in self._client.list_collections():
            if name.startswith(f"{self._prefix}_"):
                self._client.drop_collection(name)
        self.database.close()
