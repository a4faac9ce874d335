"""Pictures of the web: from a real server here, within limits, and never from a private address."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.vision.adapters.addresses import Hosts, public
from services.vision.adapters.generations import Source
from services.vision.adapters.sources import RefusedSource, Sources, UnreachableSource
from services.vision.adapters.web import Web
from services.vision.domain.image import MAX_BYTES, TooLargeImage
from tests.vision.pictures import RED, encoded, picture

RED_PNG = encoded(picture(RED), "PNG")
PRIVATE = """
    127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 198.18.0.1 224.0.0.1
    240.0.0.1 255.255.255.255 ::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1
    2002:7f00:1:: 2001:db8::1 fc00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 100::1
"""


def answer(status: str, headers: str = "", body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() + body


def sized(body: bytes, kind: str = "image/png") -> bytes:
    return answer("200 OK", f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n", body)


def to(where: str) -> bytes:
    return answer("302 Found", f"Location: {where}\r\nContent-Length: 0\r\n")


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """A key, and a certificate of it that says the name."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=x"
    options = ["-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate]
    subprocess.run([*request.split(), *options], check=True, capture_output=True)
    return key, certificate


class Shop:
    """A server that answers each path as it is told, and counts who connected."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.connections = 0
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.split()[1].decode(), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/endless":
            writer.write(answer("200 OK", "Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n"))
            while True:
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
        if path == "/slow":
            writer.write(answer("200 OK", "Content-Type: image/png\r\nContent-Length: 1000\r\n"))
            while True:  # a byte now and then, so that no wait for the next one is long
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.write(self.answers.get(path, answer("404 Not Found", "Content-Length: 0\r\n")))
        await writer.drain()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    one = Shop()
    server = await asyncio.start_server(one, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    yield one
    server.close()


@pytest.fixture
async def web(shop: Shop) -> AsyncIterator[Web]:
    """One that may ask the shop's server."""
    one = Web(Hosts.read(f"127.0.0.1:{shop.port}"), seconds=5)
    yield one
    await one.close()


async def test_a_picture_is_fetched_also_where_it_moved_to(shop: Shop, web: Web) -> None:
    shop.answers = {"/red%20one.png": sized(RED_PNG), "/old": to("/older"), "/older": to("red%20one.png")}
    assert await web.fetch(f"{shop.uri}/red one.png") == RED_PNG
    assert await web.fetch(f"{shop.uri}/old") == RED_PNG
    source = Source("k", f"{shop.uri}/old", None)
    assert await Sources(fetch=web.fetch).read(source) == RED_PNG
    with pytest.raises(RefusedSource, match="AISLE_VISION_IMAGE_WEB"):
        await Sources().read(source)


@pytest.mark.parametrize(
    ("served", "error", "told"),
    [
        (answer("404 Not Found", "Content-Length: 0\r\n"), RefusedSource, "404"),
        (answer("503 Busy", "Content-Length: 0\r\n"), UnreachableSource, "503"),
        (sized(b"<html>", "text/html; charset=utf-8"), RefusedSource, "text/html"),
        (answer("200 OK", f"Content-Length: {MAX_BYTES + 1}\r\n"), TooLargeImage, str(MAX_BYTES + 1)),
        (
            answer("200 OK", "Content-Encoding: gzip\r\nContent-Length: 1\r\n", b"x"),
            RefusedSource,
            "compressed",
        ),
        (b"no http at all\r\n\r\n", UnreachableSource, "Protocol"),
        (to("/picture"), RefusedSource, "more than 3"),
        (to("http://10.0.0.1/picture"), RefusedSource, "alone"),
        (to("https://10.0.0.1/picture"), RefusedSource, "private address"),
        (to("https://[::ffff:169.254.169.254]/"), RefusedSource, "private address"),
        (to("http://127.0.0.1:9/"), RefusedSource, "alone"),  # the named host, but another port
        (to("https://me:secret@shop.example/"), RefusedSource, "password"),
        (to("file:///etc/passwd"), RefusedSource, "file addresses"),
        (to("https://[nowhere/"), RefusedSource, "not an address"),
    ],
)
async def test_what_is_not_a_picture_within_the_limits_is_told(
    shop: Shop, web: Web, served: bytes, error: type[Exception], told: str
) -> None:
    shop.answers = {"/picture": served}
    with pytest.raises(error, match=told):
        await web.fetch(f"{shop.uri}/picture")


async def test_a_body_without_end_is_cut_at_the_limit(shop: Shop, web: Web) -> None:
    with pytest.raises(TooLargeImage):
        await web.fetch(f"{shop.uri}/endless")


async def test_a_body_that_drips_is_cut_at_the_time(shop: Shop) -> None:
    web = Web(Hosts.read(f"127.0.0.1:{shop.port}"), seconds=0.2)
    with pytest.raises(UnreachableSource, match=r"longer than 0\.2 seconds"):
        await web.fetch(f"{shop.uri}/slow")
    await web.close()


@pytest.mark.parametrize("address", PRIVATE.split())
async def test_no_private_address_is_connected_to(shop: Shop, address: str) -> None:
    assert not public(address)

    async def resolve(host: str, port: int) -> list[str]:
        return ["1.1.1.1", address]  # one public address does not excuse the other

    web = Web(resolve=resolve)
    with pytest.raises(RefusedSource, match="private address"):
        await web.fetch(f"https://shop.example:{shop.port}/picture")
    assert not shop.connections


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_the_public_internet_is_public(address: str) -> None:
    assert public(address)


async def test_a_name_that_changes_its_address_leads_nowhere_else(shop: Shop) -> None:
    answers = [["2001:4860:4860::1%lo"], ["127.0.0.1"]]  # public when checked, the next time not

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    web = Web(resolve=resolve, seconds=1)
    with pytest.raises(UnreachableSource):
        await web.fetch(f"https://shop.example:{shop.port}/picture")
    assert len(answers) == 1  # what was checked is what was connected to
    with pytest.raises(RefusedSource):
        await web.fetch(f"https://shop.example:{shop.port}/picture")
    assert not shop.connections


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
@pytest.mark.parametrize(("name", "trusted"), [("images.example", True), ("other.example", False)])
async def test_tls_is_asked_for_the_name_though_the_address_is_connected_to(
    tmp_path: Path, name: str, trusted: bool
) -> None:
    key, certificate = certified(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    shop = Shop()
    shop.answers = {"/": sized(RED_PNG)}
    server = await asyncio.start_server(shop, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    trust = ssl.create_default_context(cafile=certificate)
    web = Web(Hosts.read(f"images.example:{port}"), resolve=resolve, tls=trust)
    if trusted:
        assert await web.fetch(f"https://images.example:{port}/") == RED_PNG
    else:
        with pytest.raises(UnreachableSource):
            await web.fetch(f"https://images.example:{port}/")
    await web.close()
    server.close()


@pytest.mark.parametrize("text", ["a/b", "host:0", "host:x", ":80"])
def test_hosts_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="AISLE_VISION_IMAGE_HOSTS"):
        Hosts.read(text)


def test_a_host_without_a_port_is_named_at_the_usual_ones() -> None:
    hosts = Hosts.read(" Images.internal , 10.0.0.5:8080")
    ask: Callable[[str, int], bool] = hosts.names
    assert ask("images.internal", 443)
    assert ask("images.internal", 80)
    assert not ask("images.internal", 8080)
    assert ask("10.0.0.5", 8080)
