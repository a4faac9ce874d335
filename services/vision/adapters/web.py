"""Fetches a catalogue's pictures over HTTP(S), within limits, and never from a private address."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import httpcore2

from services.vision.adapters.addresses import Hosts, public, resolved
from services.vision.adapters.sources import RefusedSource, UnreachableSource
from services.vision.domain.image import MAX_BYTES, TooLargeImage

SECONDS: Final = 10.0
"""The longest that one picture may take, from the look-up of its host to its last byte, redirects and all."""

REDIRECTS: Final = 3
TYPES: Final = ("image/", "application/octet-stream", "binary/octet-stream")
"""What an answer may say that it is; the decoder says whether it is true. A login page ends here."""

_HEADERS: Final[Sequence[tuple[bytes | str, bytes | str]]] = (
    ("Accept", "image/jpeg, image/png, image/webp"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "aisle"),
)
_SAFE: Final = "%:/?#[]@!$&'()*+,;=~"  # what RFC 3986 lets stand; everything else is escaped
_REDIRECT: Final = (301, 302, 303, 307, 308)
_LATER: Final = (408, 425, 429, 500, 502, 503, 504)

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Web:
    """Asks public addresses over TLS, and named hosts as they are. Uses no proxy, cookie or password."""

    def __init__(
        self,
        hosts: Hosts = Hosts(),  # noqa: B008
        *,
        seconds: float = SECONDS,
        resolve: Resolve = resolved,
        tls: SSLContext | None = None,
    ) -> None:
        """`hosts` may be private and plain http; `tls` is whom to trust, the system's when None."""
        self.name = "web"
        self._hosts, self._seconds = hosts, seconds
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=16,
            keepalive_expiry=5.0,
            network_backend=_Checked(hosts, resolve),
        )

    async def fetch(self, uri: str) -> bytes:
        """The encoded picture. Raises RefusedSource, UnreachableSource or TooLargeImage."""
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(REDIRECTS + 1):
                    found = await self._get(uri)
                    if isinstance(found, bytes):
                        return found
                    uri = found
        except TimeoutError as error:
            raise UnreachableSource(f"it took longer than {self._seconds:g} seconds") from error
        except (httpcore2.LocalProtocolError, httpcore2.UnsupportedProtocol, ValueError) as error:
            raise RefusedSource("it is not an address") from error
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
            OSError,
        ) as error:
            raise UnreachableSource(f"its host does not answer: {type(error).__name__}") from error
        raise RefusedSource(f"it is redirected more than {REDIRECTS} times")

    async def start(self) -> None:
        """Nothing to do: connections are made when a picture is asked for."""

    async def ping(self) -> None:
        """Always well: what a shop's hosts do is told picture by picture."""

    async def close(self) -> None:
        """Closes the connections that are kept."""
        await self._pool.aclose()

    async def _get(self, uri: str) -> bytes | str:
        """The picture, or the address that it is redirected to."""
        async with self._pool.stream("GET", self._checked(uri), headers=_HEADERS) as response:
            told = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            if response.status in _REDIRECT and "location" in told:
                return urljoin(uri, told["location"])
            _check_answer(response.status, told)
            return await _body(response)

    def _checked(self, uri: str) -> httpcore2.URL:
        """The address to ask. Raises RefusedSource, or ValueError for what is no address."""
        parts = urlsplit(uri)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedSource(f"{parts.scheme or 'relative'} addresses are not read")
        if parts.username is not None or parts.password is not None:
            raise RefusedSource("it carries a password")
        if parts.scheme == "http" and not self._hosts.names(parts.hostname, port):
            raise RefusedSource("http is read from hosts in AISLE_VISION_IMAGE_HOSTS alone; send https")
        return httpcore2.URL(quote(uri, safe=_SAFE))


def _check_answer(status: int, told: dict[str, str]) -> None:
    if status in _LATER:
        raise UnreachableSource(f"its host answers {status}")
    if status != 200:
        raise RefusedSource(f"its host answers {status}")
    kind = told.get("content-type", "image/").lower()
    if not kind.startswith(TYPES):
        raise RefusedSource(f"it is {kind.partition(';')[0][:60]}, not a picture")
    if told.get("content-encoding", "identity").lower() != "identity":
        raise RefusedSource("it is compressed once more, which was not asked for")
    length = told.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise TooLargeImage(f"the picture has {length} bytes; at most {MAX_BYTES} are allowed")


async def _body(response: httpcore2.Response) -> bytes:
    parts, size = list[bytes](), 0
    async for part in response.aiter_stream():
        size += len(part)
        if size > MAX_BYTES:
            raise TooLargeImage(f"the picture has more than {MAX_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


class _Checked(httpcore2.AsyncNetworkBackend):
    """Connects to the very address that it checked, so that a second look-up cannot give another.

    Each connection comes through here, a redirect's too. TLS then asks for the host's name, not the address.
    """

    def __init__(self, hosts: Hosts, resolve: Resolve) -> None:
        self._hosts, self._resolve, self._plain = hosts, resolve, httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        # One private address among public ones is refused with them: nobody needs that but an attacker.
        if not self._hosts.names(host, port) and not all(map(public, addresses)):
            raise RefusedSource("its host has a private address; name it in AISLE_VISION_IMAGE_HOSTS")
        last: Exception = httpcore2.ConnectError("the host has no address")
        for address in addresses:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last
