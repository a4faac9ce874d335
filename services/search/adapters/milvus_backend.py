"""Milvus as the engine: words and vectors in its collections, what the log tells in the view's file."""

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path

from services.search.adapters.milvus_client import Milvus
from services.search.adapters.milvus_shelf import MilvusCatalogue
from services.search.adapters.milvus_vectors import MilvusVectors
from services.search.adapters.milvus_words import MilvusWords
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.sqlite_view import open_database
from services.search.domain.ports import Shelf, Vectors


class MilvusBackend:
    """A Milvus, and a resource without which search answers nothing. It is asked nothing before `open`."""

    name = "engine"

    def __init__(self, home: Path, client: Milvus, prefix: str = "aisle", dimension: int = DIMENSION) -> None:
        self._client = client
        self._prefix = prefix
        self._dimension = dimension
        self._opened = list[MilvusVectors]()
        self._words = MilvusWords(client, prefix)
        self.database = open_database(home, lambda _: self._words)
        self._catalogue = MilvusCatalogue(self.database, self._words)

    def open(self) -> None:
        """See RetrievalBackend."""
        with self.database.read() as connection:
            self._words.open(connection)
        for vectors in self._opened:
            vectors.open()

    async def start(self) -> None:
        """Raises ServiceError ENGINE_UNAVAILABLE while Milvus is away; the service is tried again then."""
        await self.ping()
        await asyncio.to_thread(self.open)

    async def ping(self) -> None:
        """Raises ServiceError ENGINE_UNAVAILABLE while Milvus does not answer.

        When it comes back it is given what it lacks.
        """
        await asyncio.to_thread(self._client.ping, self.open)

    async def close(self) -> None:
        """Nothing: the view's file lets go of the client."""

    def look(self) -> AbstractContextManager[Shelf]:
        """See Catalogue."""
        return self._catalogue.look()

    def vectors(self, tag: str) -> Vectors:
        """See RetrievalBackend."""
        vectors = MilvusVectors(self._client, self._prefix, tag, self._dimension)
        self._opened.append(vectors)
        return vectors

    def keep_vectors(self, tag: str) -> None:
        """See RetrievalBackend. Another replica may still serve from another model's collection: all stay."""

    def discard(self) -> None:
        """Drops the collections of this prefix, and closes it for good."""
        for name in self._client.list_collections():
            if name.startswith(f"{self._prefix}_"):
                self._client.drop_collection(name)
        self.database.close()
