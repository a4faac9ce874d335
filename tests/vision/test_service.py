"""The whole service on a real channel, with a real NATS and the real Triton: what stands, and what breaks."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.vision.v1 import vision_pb2, vision_pb2_grpc
from PIL import Image

from services.kit.channels import connect
from services.kit.errors import ServiceError, field_of, reason_of
from services.kit.log import CATALOG, Entry
from services.kit.nats_log import NatsLog
from services.kit.testing import running, wait_until
from services.vision.adapters.triton import Triton
from services.vision.config import Config
from services.vision.server import build
from services.vision.triton.repository import Repository
from tests.triton import TritonProcess
from tests.vision.pictures import BLUE, GREEN, RED, encoded, picture, publish, published
from tests.vision.test_image import REFUSED


class Shop:
    """A running vision service, its stub, and the log that feeds it."""

    def __init__(self, stub: "vision_pb2_grpc.VisionServiceAsyncStub", log: NatsLog) -> None:
        self.stub, self.log = stub, log

    async def put(self, *products: product_pb2.Product) -> None:
        changes = [product_pb2.ProductChange(upsert=product) for product in products]
        keys = [product.id for product in products]
        await self._append(keys, changes)

    async def delete(self, product_id: str) -> None:
        await self._append([product_id], [product_pb2.ProductChange(delete_id=product_id)])

    async def _append(self, keys: list[str], changes: list[product_pb2.ProductChange]) -> None:
        await self.log.append(
            [
                Entry(CATALOG, key, change.SerializeToString())
                for key, change in zip(keys, changes, strict=True)
            ]
        )

    async def like(self, image: bytes, **filters: object) -> list[str]:
        wanted = product_pb2.ProductFilter(**filters)  # type: ignore[arg-type]
        request = vision_pb2.SearchByImageRequest(image=image, filter=wanted, keep_duplicates=True)
        return [product.product_id for product in (await self.stub.SearchByImage(request)).products]

    async def sees(self, image: bytes = b"") -> str:
        """The most confident label, or the reason of the refusal."""
        try:
            request = vision_pb2.RecognizeImageRequest(image=image or encoded(picture(RED)))
            return (await self.stub.RecognizeImage(request, timeout=5)).labels[0].name
        except grpc.aio.AioRpcError as error:
            return reason_of(error)


@asynccontextmanager
async def opened(config: Config, prefix: str, *, ready: bool = True) -> AsyncIterator[Shop]:
    async with running(build(config, log_prefix=prefix), ready=ready) as server:
        log = NatsLog(config.nats_url, prefix=prefix)
        await log.start()
        async with connect(server.target) as channel:
            yield Shop(vision_pb2_grpc.VisionServiceStub(channel), log)  # type: ignore[arg-type]
        await log.close()


@pytest.fixture
def config(home: Path, triton_url: str, nats_url: str) -> Config:
    return Config(
        home=home,
        triton=triton_url,
        nats_url=nats_url,
        port=0,
        ping_seconds=0.1,
        grace_seconds=0,
        image_folder=home / "pictures",
        remembered_bytes=0,  # what breaks Triton must be seen
    )  # type: ignore[call-arg]


@pytest.fixture
async def shop(config: Config, nats_prefix: str) -> AsyncIterator[Shop]:
    published(config.home)
    async with opened(config, nats_prefix) as one:
        yield one


def product(product_id: str, *colours: tuple[int, int, int], **fields: object) -> product_pb2.Product:
    images = [product_pb2.Image(content=encoded(picture(colour))) for colour in colours]
    return product_pb2.Product(id=product_id, title=product_id, images=images, **fields)  # type: ignore[arg-type]


async def test_labels_come_most_confident_first(shop: Shop) -> None:
    request = vision_pb2.RecognizeImageRequest(image=encoded(picture((200, 150, 10))), page_size=2)
    answer = await shop.stub.RecognizeImage(request)
    assert [label.name for label in answer.labels] == ["red", "green"]
    assert answer.labels[0].confidence > answer.labels[1].confidence
    assert answer.model_version.startswith("efficientnet_lite0:")


async def test_products_that_look_alike_are_found_filtered_and_gone_when_deleted(shop: Shop) -> None:
    usd = money_pb2.Money(currency_code="USD", amount_micros=2_000_000)
    await shop.put(
        product("tomato", RED, (240, 20, 20), brand="Farm", categories=["Food > Fruit"], price=usd),
        product("apple", RED, brand="Orchard", categories=["Food > Fruit"]),
        product("lettuce", GREEN, availability=product_pb2.AVAILABILITY_OUT_OF_STOCK),
        product("plain"),
    )
    red = encoded(picture(RED), "PNG")
    await wait_until(lambda: _equal(shop.like(red), ["apple", "tomato", "lettuce"]))
    assert await shop.like(red, brands=["farm"]) == ["tomato"]
    assert await shop.like(red, in_stock_only=True) == ["apple", "tomato"]
    assert await shop.like(red, categories=["Food"], max_price=usd) == ["tomato"]
    await shop.delete("apple")
    await wait_until(lambda: _equal(shop.like(red), ["tomato", "lettuce"]), timeout=2)
    await shop.put(product("tomato", BLUE))
    await wait_until(lambda: _equal(shop.like(red), ["lettuce", "tomato"]))


async def test_what_is_alike_is_told_once_with_what_it_stands_for(shop: Shop) -> None:
    await shop.put(
        product("apple", RED, brand="Orchard"),
        product("tomato", RED),
        product("tomato big", (250, 90, 10), primary_product_id="tomato"),
        product("lettuce", GREEN),
    )
    red = encoded(picture(RED), "PNG")
    await wait_until(lambda: _equal(shop.like(red), ["apple", "tomato", "tomato big", "lettuce"]))
    answer = await shop.stub.SearchByImage(vision_pb2.SearchByImageRequest(image=red))
    told = [(one.product_id, list(one.duplicate_product_ids)) for one in answer.products]
    assert told == [("apple", ["tomato", "tomato big"]), ("lettuce", [])]


async def test_a_box_is_what_is_looked_at(shop: Shop) -> None:
    await shop.put(product("tomato", RED), product("sky", BLUE))
    both = picture(RED, (300, 200))
    both.paste(BLUE, (150, 0, 300, 200))
    # Shown lying on its side by a phone: EXIF says how it stands, and the box is told of it standing.
    turned = both.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    request = vision_pb2.SearchByImageRequest(image=encoded(turned, exif=exif.tobytes()))
    for box, like in (((0.1, 0.2, 0.4, 0.8), "tomato"), ((0.6, 0.2, 0.9, 0.8), "sky")):
        request.box.CopyFrom(vision_pb2.Box(left=box[0], top=box[1], right=box[2], bottom=box[3]))
        await wait_until(lambda like=like: _equal(_first(shop, request), like))  # type: ignore[misc]
    request.box.right = 1.2
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shop.stub.SearchByImage(request)
    assert (reason_of(caught.value), field_of(caught.value)) == ("INVALID_VALUE", "box")


async def test_without_pictures_the_list_is_empty_and_the_labels_come(shop: Shop) -> None:
    answer = await shop.stub.SearchByImage(vision_pb2.SearchByImageRequest(image=encoded(picture(BLUE))))
    assert not answer.products
    assert answer.labels[0].name == "blue"


async def test_pictures_in_files_are_read_inside_the_folder_alone(shop: Shop, config: Config) -> None:
    folder = config.home / "pictures"
    folder.mkdir(exist_ok=True)
    (folder / "red one.png").write_bytes(encoded(picture(RED), "PNG"))
    (config.home / "secret.png").write_bytes(encoded(picture(RED), "PNG"))
    (folder / "link.png").unlink(missing_ok=True)
    (folder / "link.png").symlink_to(config.home / "secret.png")
    addresses = {
        "inside": f"file://{folder}/red%20one.png",
        "outside": f"file://{folder}/../secret.png",
        "link": f"file://{folder}/link.png",
        "missing": f"file://{folder}/none.png",
        "web": "https://shop.example/red.png",
    }
    await shop.put(
        *(
            product_pb2.Product(id=name, title=name, images=[product_pb2.Image(uri=uri)])
            for name, uri in addresses.items()
        ),
        product("last", GREEN),
        product_pb2.Product(id="bad", title="bad", images=[product_pb2.Image(content=b"not a picture")]),
    )
    await wait_until(lambda: _equal(shop.like(encoded(picture(RED))), ["inside", "last"]))


async def test_bad_pictures(shop: Shop) -> None:
    for name, (data, reason) in REFUSED.items():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.RecognizeImage(vision_pb2.RecognizeImageRequest(image=data))
        assert reason_of(caught.value) == reason, name
        assert field_of(caught.value) == "image", name
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, name


async def test_bad_filters_and_sizes(shop: Shop) -> None:
    money = [money_pb2.Money(currency_code=code, amount_micros=1) for code in ("USD", "EUR")]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shop.like(encoded(picture()), min_price=money[0], max_price=money[1])
    assert reason_of(caught.value) == "MIXED_CURRENCIES"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shop.stub.RecognizeImage(vision_pb2.RecognizeImageRequest(image=b"x", page_size=-1))
    assert reason_of(caught.value) == "INVALID_VALUE"
    request = vision_pb2.RecognizeImageRequest(image=encoded(picture()), page_size=10_000)
    assert len((await shop.stub.RecognizeImage(request)).labels) == 3


async def test_triton_killed_and_back(config: Config, nats_prefix: str, triton: TritonProcess) -> None:
    published(config.home)
    async with running(build(config, log_prefix=nats_prefix)) as server, connect(server.target) as channel:
        shop = Shop(vision_pb2_grpc.VisionServiceStub(channel), NatsLog(config.nats_url))  # type: ignore[arg-type]
        assert await shop.sees() == "red"
        triton.kill()
        assert await shop.sees() == "INFERENCE_UNAVAILABLE"
        await wait_until(lambda: not server.health.ready.is_set())
        await asyncio.to_thread(triton.restart)
        await wait_until(lambda: _equal(shop.sees(), "red"), timeout=30)
        await asyncio.wait_for(server.ready(), 10)


async def test_a_triton_that_dies_is_started_again_and_the_service_is_ready_again(
    config: Config, nats_prefix: str, triton: TritonProcess
) -> None:
    published(config.home)
    async with running(build(config, log_prefix=nats_prefix)) as server, connect(server.target) as channel:
        shop = Shop(vision_pb2_grpc.VisionServiceStub(channel), NatsLog(config.nats_url))  # type: ignore[arg-type]
        asking = [asyncio.create_task(shop.sees(encoded(picture((250, n, 0))))) for n in range(16)]
        os.kill(triton.pid, signal.SIGSEGV)
        assert set(await asyncio.gather(*asking)) <= {"red", "INFERENCE_UNAVAILABLE"}
        await wait_until(lambda: not server.health.ready.is_set())
        await asyncio.wait_for(server.ready(), 40)  # nobody did anything
        assert await shop.sees() == "red"


async def test_a_model_with_too_few_names_never_reaches_triton(config: Config) -> None:
    broken = publish(config.home, names=("red", "green"))
    with pytest.raises(ValueError, match="2 names for 3 classes"):
        Repository(config.home).assemble(broken)


async def test_a_broken_model_is_refused_while_the_old_one_serves(shop: Shop, config: Config) -> None:
    before = await _version(shop)
    broken = publish(config.home, cut=True)  # whole by its checksum, and yet no network
    refused = (
        config.home / "triton" / "models" / "efficientnet_lite0_network" / broken.version.replace("T", "")
    )
    await asyncio.gather(
        wait_until(lambda: refused.exists()),
        *(shop.sees() for _ in range(20)),
    )
    await wait_until(lambda: not refused.exists(), timeout=20)
    assert await shop.sees() == "red"
    assert await _version(shop) == before
    publish(config.home, sharpness=10.0)
    await wait_until(lambda: _differs(_version(shop), before), timeout=20)


async def test_a_model_cut_in_half_is_passed_over(config: Config, nats_prefix: str) -> None:
    whole = publish(config.home)
    cut = publish(config.home)
    data = (cut.path / "model.onnx").read_bytes()
    (cut.path / "model.onnx").write_bytes(data[: len(data) // 2])
    async with opened(config, nats_prefix) as shop:
        assert await shop.sees() == "red"
        assert await _version(shop) == f"efficientnet_lite0:{whole.version.replace('T', '')}"


async def test_vectors_are_kept_over_a_restart(config: Config, nats_prefix: str) -> None:
    published(config.home)
    red = encoded(picture(RED))
    for start in range(2):
        async with opened(config, nats_prefix) as shop:
            if start == 0:
                await shop.put(product("tomato", RED))
            await wait_until(lambda: _equal(shop.like(red), ["tomato"]))


async def test_with_a_new_model_no_search_finds_less(shop: Shop, config: Config) -> None:
    colours = {f"c{number:02}": (250, number, 0) for number in range(40)}
    await shop.put(*(product(name, colour) for name, colour in colours.items()))
    red = encoded(picture(RED))
    request = vision_pb2.SearchByImageRequest(image=red, page_size=40, keep_duplicates=True)

    async def found() -> tuple[str, int]:
        answer = await shop.stub.SearchByImage(request)
        return answer.model_version, len(answer.products)

    await wait_until(lambda: _first_is(found(), 40))
    before, seen = (await found())[0], list[tuple[str, int]]()

    async def swapped() -> bool:
        seen.append(await found())
        return seen[-1][0] != before

    publish(config.home, sharpness=15.0)
    await wait_until(swapped, timeout=30)
    assert {count for _, count in seen} == {40}
    assert await _version(shop) == seen[-1][0]


async def _first_is(found: object, count: int) -> bool:
    return (await found)[1] == count  # type: ignore[misc]


async def _version(shop: Shop) -> str:
    request = vision_pb2.RecognizeImageRequest(image=encoded(picture()))
    return (await shop.stub.RecognizeImage(request)).model_version


async def _first(shop: Shop, request: vision_pb2.SearchByImageRequest) -> str:
    return "".join(one.product_id for one in (await shop.stub.SearchByImage(request)).products[:1])


async def _equal(found: object, expected: object) -> bool:
    return await found == expected  # type: ignore[misc]


async def _differs(found: object, other: object) -> bool:
    return await found != other  # type: ignore[misc]


async def test_with_the_log_away_pictures_are_recognised(config: Config, nats_prefix: str) -> None:
    published(config.home)
    away = config.model_copy(update={"nats_url": "nats://127.0.0.1:1"})
    service = build(away, log_prefix=nats_prefix)
    async with running(service, ready=False) as server, connect(server.target) as channel:
        shop = Shop(vision_pb2_grpc.VisionServiceStub(channel), NatsLog(away.nats_url))  # type: ignore[arg-type]
        await wait_until(lambda: _equal(shop.sees(), "red"))
        assert not server.health.ready.is_set()


async def test_with_triton_away_the_port_tells_so(config: Config, nats_prefix: str) -> None:
    published(config.home)
    away = config.model_copy(update={"triton": "127.0.0.1:1"})
    async with opened(away, nats_prefix, ready=False) as shop:
        assert await shop.sees() == "INFERENCE_UNAVAILABLE"


async def test_with_no_model_the_reason_says_so(home: Path, triton_url: str) -> None:
    triton = Triton(triton_url, Repository(home, name="nothing"))
    for ask in (lambda: triton.see(encoded(picture())), triton.ping):
        with pytest.raises(ServiceError) as caught:
            await ask()
        assert caught.value.reason == "MODEL_UNAVAILABLE"
    await triton.close()


async def test_more_pictures_than_triton_has_room_for_are_refused_at_once(
    config: Config, nats_prefix: str
) -> None:
    published(config.home)
    async with opened(config.model_copy(update={"inference_in_flight": 1}), nats_prefix) as shop:
        answers = await asyncio.gather(*(shop.sees() for _ in range(20)))
        assert set(answers) == {"red", "OVERLOADED"}
        assert await shop.sees() == "red"
