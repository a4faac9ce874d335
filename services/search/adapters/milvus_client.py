"""Milvus's client as search uses it: made when it is first asked, and its calls end in time."""

from collections.abc import Callable
from threading import Lock, local
from typing import Any, Final, TypeVar

import grpc
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from services.kit import deadline
from services.kit.errors import ServiceError

WRITE_SECONDS: Final = 60.0
"""The longest wait for a write, of up to a thousand rows."""

PING_SECONDS: Final = 2.0

_WRITES: Final = ("insert", "upsert", "delete", "create_collection", "drop_collection")
_NO_CONNECTION: Final = 2
"""pymilvus's code of a server that it cannot connect to; a call that fails later has gRPC's own code."""

_NOT_LOADED: Final = 101
"""The code of a Milvus that was started again and has not loaded the collection yet."""

T = TypeVar("T")


class Milvus:
    """Has MilvusClient's methods. Any thread may call them.

    Once Milvus failed to answer nobody waits for it until `ping` finds it well again; left to itself the
    client tries a call again for minutes.
    """

    def __init__(self, uri: str, token: str = "", *, seconds: float = 2.0) -> None:
        """`seconds` is the longest wait for a read; a call's deadline may cut it shorter."""
        self._uri, self._token, self._seconds = uri, token, seconds
        self._made: MilvusClient | None = None
        self._making = Lock()
        self._here = local()
        self.away = False
        """Whether it failed to answer, and was not found well since."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A method. It raises ServiceError ENGINE_UNAVAILABLE or DEADLINE_EXCEEDED."""
        seconds = WRITE_SECONDS if name in _WRITES else self._seconds

        def call(*arguments: Any, **named: Any) -> Any:
            return self._answer(
                lambda client, left: getattr(client, name)(*arguments, timeout=left, **named), seconds
            )

        return call

    def every(self, collection: str, expression: str, field: str, batch: int) -> list[int]:
        """A field of all rows of which the expression is true."""

        def read(client: MilvusClient, left: float) -> list[int]:
            found = list[int]()
            pages = client.query_iterator(
                collection, batch_size=batch, filter=expression, output_fields=[field], timeout=left
            )
            while page := pages.next():
                found += [row[field] for row in page]
            pages.close()
            return found

        return self._answer(read, WRITE_SECONDS)

    def ping(self, mend: Callable[[], None] = lambda: None) -> None:
        """Raises ServiceError ENGINE_UNAVAILABLE when Milvus does not answer.

        When it was away, `mend` asks it before others may again.
        """
        self._here.first = True
        try:
            self._answer(lambda client, left: client.get_server_version(timeout=left), PING_SECONDS)
            if self.away:
                mend()
            self.away = False
        finally:
            self._here.first = False

    def close(self) -> None:
        """Lets go of it."""
        if self._made is not None:
            self._made.close()

    def _answer(self, ask: Callable[[MilvusClient, float], T], seconds: float) -> T:
        if self.away and not getattr(self._here, "first", False):
            raise _unavailable()
        try:
            return ask(self._client(), deadline.within(seconds))
        except (MilvusException, grpc.RpcError) as error:
            if not _unanswered(error):
                raise
            if deadline.remaining() == 0.0:
                raise ServiceError("DEADLINE_EXCEEDED", "the deadline passed while Milvus worked") from error
            self.away = True
            raise _unavailable() from error

    def _client(self) -> MilvusClient:
        with self._making:
            if self._made is None:
                self._made = MilvusClient(self._uri, token=self._token, timeout=PING_SECONDS)
            return self._made


def _unanswered(error: MilvusException | grpc.RpcError) -> bool:
    code = error.code if isinstance(error, MilvusException) else error.code()
    return isinstance(code, grpc.StatusCode) or code in (_NO_CONNECTION, _NOT_LOADED)


def _unavailable() -> ServiceError:
    return ServiceError("ENGINE_UNAVAILABLE", "the engine that finds products does not answer")
