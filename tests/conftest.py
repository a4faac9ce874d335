"""What all tests share: single-threaded numeric libraries, and one real NATS server a session."""

import os

for _library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
for _name in [name for name in os.environ if name.startswith(("AISLE_", "OTEL_"))]:
    if _name != "AISLE_TRITON_ENV":
        del os.environ[_name]  # a developer's settings must not decide a test

import uuid  # noqa: E402
from collections.abc import Iterator  # noqa: E402

import pytest  # noqa: E402

from services.kit.testing import nats_server  # noqa: E402


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real nats-server with JetStream, shared by the session."""
    with nats_server(tmp_path_factory.mktemp("nats")) as server:
        yield server.url


@pytest.fixture
def nats_prefix() -> str:
    """A prefix of stream names that no other test has."""
    return f"T{uuid.uuid4().hex[:10]}_"
