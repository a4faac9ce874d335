"""One real Triton for the whole session, started before there is any model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.triton import TritonProcess, running_triton


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonProcess]:
    """The session's Triton; its home is the services' home too."""
    with running_triton(tmp_path_factory.mktemp("vision")) as process:
        yield process


@pytest.fixture
def triton_url(triton: TritonProcess) -> str:
    """Where the session's Triton answers."""
    return triton.url


@pytest.fixture
def home(triton: TritonProcess) -> Path:
    """The session's home, without a view of earlier tests."""
    shutil.rmtree(triton.home / "vision", ignore_errors=True)
    return triton.home
