"""Fixtures of search's tests."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kit.models import Model, ModelStore
from services.kit.progress import silent
from services.search.adapters.memory import ConceptEncoder, MemoryVectors
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.adapters.triton_texts import TritonTexts
from services.search.adapters.vector_table import VectorTable
from services.search.config import Config
from services.search.domain.dense import Meaning
from services.search.domain.search import Searcher
from services.search.train import train
from services.search.triton.repository import Repository
from tests.search.shop import CONCEPTS, shop_database
from tests.triton import TritonProcess, running_triton


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SearchDatabase]:
    """The view of the shop."""
    with shop_database(tmp_path) as opened:
        yield opened


@pytest.fixture
def lexical(database: SearchDatabase) -> Searcher:
    """Search while no model is loaded."""
    return Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))


@pytest.fixture
def hybrid(database: SearchDatabase) -> Searcher:
    """Search by words and by the concepts of the shop."""
    meaning = Meaning(ConceptEncoder(CONCEPTS), MemoryVectors())
    missing = VectorTable(database).missing(meaning.encoder.tag)
    meaning.vectors.add([key for key, _ in missing], meaning.encoder.encode([text for _, text in missing]))
    return Searcher(TantivyCatalogue(database), lambda: meaning, SqliteLexicon(database))


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a real model, trained once a session."""
    pytest.importorskip("sentence_transformers", reason="the train extra is not installed")
    home = tmp_path_factory.mktemp("trained")
    assert asyncio.run(train(Config(home=home), progress=silent))["promoted"]
    return home


@pytest.fixture
def model(trained_home: Path) -> Model:
    """That model."""
    current = ModelStore(trained_home, "search").current()
    assert current is not None
    return current


@pytest.fixture(scope="session")
def triton(trained_home: Path) -> Iterator[TritonProcess]:
    """A real Triton of the session's model."""
    with running_triton(trained_home) as process:
        yield process


@pytest.fixture
def texts(triton: TritonProcess) -> Iterator[TritonTexts]:
    """What asks it."""
    asked = TritonTexts(triton.url, Repository(triton.home), seconds=10)
    yield asked
    asyncio.run(asked.close())
