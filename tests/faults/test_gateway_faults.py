"""Whatever breaks behind the gateway, every page answers in time, with the statuses that it declares."""

import time

import grpc
import pytest
from aisle.catalog.v1 import error_reason_pb2
from aisle.gateway.v1 import catalog_service_pb2, event_service_pb2, storefront_service_pb2

from services.kit.nats_log import NatsLog
from services.kit.testing import nats_server, wait_until
from tests.gateway.backends import town
from tests.gateway.shop import event, gateway, product, small_shop

pb = storefront_service_pb2
OK, FALLBACK, TIMED_OUT, UNAVAILABLE = (
    pb.SECTION_STATUS_OK,
    pb.SECTION_STATUS_FALLBACK,
    pb.SECTION_STATUS_TIMED_OUT,
    pb.SECTION_STATUS_UNAVAILABLE,
)
FAILED = (TIMED_OUT, UNAVAILABLE)
BUDGET = 2.0
ANN = pb.Shopper(user_id="ann")
REQUESTS = {
    "home": ("GetHomePage", pb.GetHomePageRequest(shopper=ANN, page_size=4)),
    "search": ("SearchProducts", pb.SearchProductsRequest(shopper=ANN, query="milk", page_size=4)),
    "product": ("GetProductPage", pb.GetProductPageRequest(shopper=ANN, product_id="p03", page_size=4)),
    "cart": (
        "GetCartPage",
        pb.GetCartPageRequest(shopper=ANN, lines=[pb.CartLine(product_id="p03")], page_size=4),
    ),
    "image": ("SearchByImage", pb.SearchByImageRequest(shopper=ANN, image=b"jpeg", page_size=4)),
}
# What must come when a service is out: page -> for each section its status; "failed" is either of two.
WELL = {
    "home": [OK, OK, OK, OK],
    "search": [OK],
    "product": [OK, OK, OK],
    "cart": [OK, OK],
    "image": [OK],
}
OUT = {
    "recsys": WELL
    | {
        "home": [FALLBACK, "failed", FALLBACK, "failed"],
        "product": [OK, FALLBACK, FALLBACK],
        "cart": [OK, FALLBACK],
    },
    "vision": WELL | {"image": ["failed"]},
    "search": WELL | {"search": [FALLBACK], "image": [FALLBACK]},
    "pricing": WELL,
}
EVERYTHING = {
    page: [next((way[page][n] for way in OUT.values() if way[page][n] != OK), OK) for n in range(len(status))]
    for page, status in WELL.items()
}


async def check(door, expected, price_status):
    for page, (method, request) in REQUESTS.items():
        started = time.monotonic()
        answer = await getattr(door.pages, method)(request, timeout=BUDGET)
        assert time.monotonic() - started < BUDGET
        for section, status in zip(answer.page.sections, expected[page], strict=True):
            allowed = FAILED if status == "failed" else (status,)
            assert section.status in allowed, (page, section.id, section.status)
            assert bool(section.items) == (status != "failed"), (page, section.id)
            assert all(item.price.status == price_status for item in section.items)
    answer = await door.pages.CompleteQuery(pb.CompleteQueryRequest(prefix="Milk"), timeout=BUDGET)
    assert len(answer.suggestions) == 8


@pytest.mark.parametrize("kind", ["killed", "slow", "erring"])
@pytest.mark.parametrize("name", [*OUT, "all"])
async def test_each_page_answers_whatever_is_out(tmp_path, name, kind):
    async with town(small_shop()) as here, gateway(tmp_path, town=here) as door:
        await door.fill()
        for one in OUT if name == "all" else (name,):
            if kind == "killed":
                await here.kill(one)
            else:
                here.troubles[one].kind = kind
        prices = FALLBACK if name in ("pricing", "all") else OK
        await check(door, EVERYTHING if name == "all" else OUT[name], prices)


async def test_earlier_answers_and_quotes_are_used_again(tmp_path):
    async with town(small_shop()) as here, gateway(tmp_path, town=here) as door:
        await door.fill()
        method, request = REQUESTS["product"]
        await getattr(door.pages, method)(request)
        here.troubles["recsys"].kind = here.troubles["pricing"].kind = "erring"
        page = (await getattr(door.pages, method)(request)).page
        assert page.sections[1].status == OK  # what is similar is the same for everybody, and kept a while
        assert page.sections[0].items[0].price.status == pb.SECTION_STATUS_STALE


async def test_a_service_that_comes_back_is_used_again(tmp_path):
    async with town(small_shop()) as here, gateway(tmp_path, town=here) as door:
        await door.fill()
        here.troubles["recsys"].kind = "erring"
        request = pb.GetHomePageRequest(shopper=ANN)
        for _ in range(4):
            await door.pages.GetHomePage(request)
        calls = len(here.troubles["recsys"].calls)
        await door.pages.GetHomePage(request)
        assert len(here.troubles["recsys"].calls) == calls  # the circuit is open
        here.troubles["recsys"].kind = ""

        async def well() -> bool:
            return (await door.pages.GetHomePage(request)).page.sections[0].status == OK

        await wait_until(well)


def upsert(*products):
    return catalog_service_pb2.UpsertProductsRequest(products=products)


def reasons(answer):
    return [
        error_reason_pb2.ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
        for error in answer.errors
    ]


async def test_the_log_down_at_the_start_and_in_the_middle(tmp_path):
    with nats_server(tmp_path / "nats") as nats:
        nats.kill()
        log = NatsLog(nats.url)
        async with (
            town(small_shop()) as here,
            gateway(tmp_path, log=log, town=here, log_patience_seconds=0.1) as door,
        ):
            answer = await door.catalog.UpsertProducts(upsert(product(1), product(2)), timeout=10)
            assert (answer.written_count, reasons(answer)) == (0, ["LOG_UNAVAILABLE"] * 2)
            assert len((await door.pages.GetHomePage(pb.GetHomePageRequest())).page.sections) == 4
            nats.restart()

            async def written() -> bool:
                return (await door.catalog.UpsertProducts(upsert(product(1)))).written_count == 1

            await wait_until(written, 20)
            await shown(door, "p01")
            nats.kill()
            answer = await door.catalog.UpsertProducts(upsert(product(3)), timeout=10)
            assert (answer.written_count, reasons(answer)) == (0, ["LOG_UNAVAILABLE"])
            events = event_service_pb2.WriteEventsRequest(events=[event(1, "p01")])
            assert reasons(await door.events.WriteEvents(events, timeout=10)) == ["LOG_UNAVAILABLE"]
            page = await door.pages.GetProductPage(pb.GetProductPageRequest(product_id="p01"))
            assert page.page.sections[0].items  # from the view
            nats.restart()
            await wait_until(written, 20)
            found = await door.catalog.GetProducts(
                catalog_service_pb2.GetProductsRequest(product_ids=["p01", "p02", "p03"])
            )
            assert list(found.missing_product_ids) == ["p02", "p03"]  # nothing that was refused was written
            answer = await door.events.WriteEvents(events, timeout=10)
            assert answer.written_count + answer.duplicate_count == 1


async def shown(door, product_id):
    request = catalog_service_pb2.GetProductsRequest(product_ids=[product_id])

    async def there() -> bool:
        return bool((await door.catalog.GetProducts(request)).products)

    await wait_until(there)


async def test_a_full_disk_of_the_log_is_told_item_by_item(tmp_path):
    with nats_server(tmp_path / "nats", config="jetstream { max_file_store: 300KB }") as nats:
        async with gateway(tmp_path, log=NatsLog(nats.url)) as door:
            big = [product(n, description="x" * 16_000) for n in range(60)]
            answer = await door.catalog.UpsertProducts(upsert(*big), timeout=20)
            assert set(reasons(answer)) == {"LOG_FULL"}
            assert answer.written_count + len(answer.errors) == 60
            assert answer.written_count > 0


async def test_a_gateway_alone_is_serving(tmp_path):
    """No log, no services: pages come, empty, and nothing but the wrong product is an error."""
    async with gateway(tmp_path) as door:
        page = (await door.pages.GetHomePage(pb.GetHomePageRequest(), timeout=BUDGET)).page
        assert all(section.status in FAILED for section in page.sections)
        with pytest.raises(grpc.aio.AioRpcError):
            await door.pages.GetProductPage(pb.GetProductPageRequest(product_id="p"))
