"""Pictures through the gateway, as a shopper and a shop send them: real vision service, Triton and NATS."""

import asyncio
import io
import shutil
import ssl
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import numpy as np
import pytest
from aisle.catalog.v1 import product_pb2
from aisle.gateway.v1 import catalog_service_pb2, catalog_service_pb2_grpc, storefront_service_pb2_grpc
from aisle.gateway.v1 import storefront_service_pb2 as pb
from PIL import Image

from services.gateway.config import Config as GatewayConfig
from services.gateway.server import build as build_gateway
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of
from services.kit.nats_log import NatsLog
from services.kit.testing import running, wait_until
from services.vision.config import Config
from services.vision.server import build
from tests.vision.pictures import BLUE, GREEN, RED, encoded, picture, published
from tests.vision.test_image import REFUSED
from tests.vision.test_web import Shop as Host
from tests.vision.test_web import certified, sized, to

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")

RED_JPEG = encoded(picture(RED))
PRIVATE = (
    "127.0.0.1",
    "localhost",
    "10.0.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0x7f000001",
)


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("run.html", content)
    return buffer.getvalue()


def sideways() -> bytes:
    """Red above blue when it stands upright, as EXIF says; red left of blue as it is stored."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = picture(BLUE, (400, 300))
    image.paste(RED, (0, 0, 399, 300))
    return encoded(image, exif=exif.tobytes())


GOOD = {
    "jpeg": RED_JPEG,
    "png": encoded(picture(RED), "PNG"),
    "webp": encoded(picture(RED), "WEBP", quality=95),
    "rgba": encoded(picture(RED).convert("RGBA"), "PNG"),
    "palette": encoded(picture(RED).convert("P"), "PNG"),
    "cmyk": encoded(picture(RED).convert("CMYK")),
    "turned by exif": sideways(),
    "two in one, as phones do": encoded(picture(RED), "MPO", save_all=True, append_images=[picture(BLUE)]),
    "jpeg and zip": RED_JPEG + zipped(b"<script>"),
    "jpeg and html": RED_JPEG + b"<html><script>alert(1)</script>",
    "png and a program": encoded(picture(RED), "PNG") + b"MZ" + bytes(500),
    "png that says jpeg follows": encoded(picture(RED), "PNG") + encoded(picture(BLUE)),
    "the widest": encoded(picture(RED, (12_000, 5))),
}
BAD = REFUSED | {
    "html before a jpeg": (b"<html>" + RED_JPEG, "UNREADABLE_IMAGE"),
    "zip before a jpeg": (zipped(b"x") + RED_JPEG, "UNREADABLE_IMAGE"),
    "pdf": (b"%PDF-1.7\n" + RED_JPEG, "UNREADABLE_IMAGE"),
    "gif that is a script": (b"GIF89a=1;alert(1)//" + bytes(200), "UNREADABLE_IMAGE"),
}


class Door:
    """What a shop and its shoppers have: the gateway, and a host of the shop's own pictures."""

    def __init__(self, channel: grpc.aio.Channel, host: Host) -> None:
        self.pages = storefront_service_pb2_grpc.StorefrontServiceStub(channel)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self.host = host

    async def look(self, image: bytes) -> pb.SearchByImageResponse:
        shopper = pb.Shopper(visitor_id="v")
        return await self.pages.SearchByImage(
            pb.SearchByImageRequest(shopper=shopper, image=image), timeout=10
        )

    async def finds(self, image: bytes, *product_ids: str) -> bool:
        page = (await self.look(image)).page
        return {item.product.id for section in page.sections for item in section.items} == {*product_ids}

    async def put(self, **images: product_pb2.Image) -> list[str]:
        """The ids that were refused."""
        products = [
            product_pb2.Product(id=name, title=name, images=[image]) for name, image in images.items()
        ]
        request = catalog_service_pb2.UpsertProductsRequest(products=products)
        return [error.id for error in (await self.catalog.UpsertProducts(request)).errors]


@pytest.fixture
async def door(
    home: Path,
    triton_url: str,
    nats_url: str,
    nats_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Door]:
    published(home)
    host, nowhere = Host(), "127.0.0.1:1"
    key, certificate = certified(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = await asyncio.start_server(host, "127.0.0.1", 0, ssl=tls)
    host.port = server.sockets[0].getsockname()[1]
    vision = Config(
        home=home, triton=triton_url, nats_url=nats_url, ping_seconds=0.1, grace_seconds=0,
        image_hosts=f"localhost:{host.port}",
    )  # fmt: skip  # type: ignore[call-arg]
    async with AsyncExitStack() as stack:
        behind = await stack.enter_async_context(running(build(vision, log_prefix=nats_prefix)))
        gateway = GatewayConfig(
            home=home / nats_prefix, nats_url=nats_url, ping_seconds=0.1, grace_seconds=0, budget_seconds=10,
            vision_target=behind.target, recsys_target=nowhere, search_target=nowhere, pricing_target=nowhere,
        )  # fmt: skip  # type: ignore[call-arg]
        log = NatsLog(nats_url, prefix=nats_prefix)
        front = await stack.enter_async_context(running(build_gateway(gateway, log=log)))
        yield Door(await stack.enter_async_context(connect(front.target)), host)
    server.close()


async def test_what_a_shopper_may_send_is_seen_and_what_not_is_told(door: Door) -> None:
    await door.put(red=product_pb2.Image(content=RED_JPEG))
    await wait_until(lambda: door.finds(RED_JPEG, "red"))
    for name, image in GOOD.items():
        assert (await door.look(image)).labels[0].name == "red", name
    grey = Image.fromarray(np.full((50, 50), 200 * 256, np.uint16))
    confidence = [label.confidence for label in (await door.look(encoded(grey, "PNG"))).labels]
    assert max(confidence) == pytest.approx(1 / 3, abs=0.01)  # 16 bits of grey: as red as it is blue
    for name, (image, reason) in BAD.items():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await door.look(image)
        assert reason_of(caught.value) == reason, name
        assert field_of(caught.value) == "image", name
    assert await door.finds(RED_JPEG, "red")


async def test_a_shops_addresses_lead_to_no_private_host(door: Door) -> None:
    """Names that change their address between the check and the connection: test_web.py."""
    secret = Host()
    server = await asyncio.start_server(secret, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    secret.answers = {"/": sized(encoded(picture(GREEN), "PNG"))}
    door.host.answers = {
        "/red": sized(encoded(picture(RED), "PNG")),
        "/down": to(f"http://127.0.0.1:{port}/"),
        **{f"/to/{n}": to(f"https://{host}:{port}/") for n, host in enumerate(PRIVATE)},
    }
    addresses = {f"direct{n}": f"https://{host}:{port}/" for n, host in enumerate(PRIVATE)}
    shops = f"https://localhost:{door.host.port}"
    addresses |= {f"moved{n}": f"{shops}/to/{n}" for n in range(len(PRIVATE))}
    addresses |= {"plain": f"http://127.0.0.1:{port}/", "open": f"{shops}/red", "down": f"{shops}/down"}
    refused = await door.put(**{name: product_pb2.Image(uri=uri) for name, uri in addresses.items()})
    assert refused == ["plain"]
    await door.put(last=product_pb2.Image(content=encoded(picture((240, 10, 40)))))
    await wait_until(lambda: door.finds(RED_JPEG, "open", "last"))
    assert door.host.connections  # they were tried
    assert not secret.connections
    server.close()
