"""One suite for every adapter of the gateway's ports: in memory, and over stubs on a real channel."""

import pytest

from services.gateway.adapters.backends import StubLooker, StubPricer, StubRecommender, StubSearcher
from services.gateway.adapters.calling import Backend
from services.gateway.adapters.memory import (
    NOT_A_PICTURE,
    MemoryLooker,
    MemoryPricer,
    MemoryRecommender,
    MemorySearcher,
)
from services.gateway.domain.errors import BackendTimedOut, BackendUnavailable, Refused
from services.gateway.domain.model import ANY, Filter, Money, Order, Placement, Shopper, Status
from services.gateway.domain.ports import Backends, SearchQuery
from tests.gateway.backends import SERVICES, town
from tests.gateway.shop import small_shop

ANN = Shopper(user_id="ann")


@pytest.fixture(params=["memory", "stubs"])
async def backends(request):
    shop = small_shop(pictures=("p05",))
    if request.param == "memory":
        yield Backends(MemoryRecommender(shop), MemorySearcher(shop), MemoryLooker(shop), MemoryPricer(shop))
        return
    async with town(shop) as here:
        remote = [Backend(name, here.targets[name], SERVICES[name][2]) for name in SERVICES]
        kinds = (StubRecommender, StubSearcher, StubLooker, StubPricer)
        yield Backends(*(kind(backend) for kind, backend in zip(kinds, remote, strict=True)))
        for backend in remote:
            await backend.close()


def ids(answer) -> list[str]:
    return [one.product_id for one in answer.candidates]


async def test_recommender(backends):
    again = await backends.recsys.recommend(Placement.BUY_AGAIN, ANN, 5, size=5)
    assert ids(again) == ["p00", "p01"]
    assert again.served_by == "recsys memory-1"
    cold = await backends.recsys.recommend(Placement.HOME, Shopper(), 5, size=2)
    assert (ids(cold), cold.status) == (["p00", "p01"], Status.FALLBACK)
    cart = await backends.recsys.recommend(Placement.CART, ANN, 5, size=2, context=["p00"])
    assert ids(cart) == ["p01", "p02"]
    assert ids(await backends.recsys.similar("p01", 5, size=2)) == ["p04", "p07"]
    assert ids(await backends.recsys.similar("unknown", 5, size=2)) == []
    assert ids(await backends.recsys.rank(ANN, ["p09", "p01", "p05"], 5)) == ["p01", "p09", "p05"]


async def test_searcher(backends):
    wanted = Filter(("Grocery > Milk",), (), Money("USD", 5_000_000), Money("USD", 20_000_000))
    query = SearchQuery("milk", wanted, size=2, order=Order.PRICE_DESCENDING)
    found = await backends.search.search(query, 5)
    assert (ids(found), found.total) == (["p18", "p15"], 5)
    token = found.next_token
    found = await backends.search.search(SearchQuery("milk", wanted, 2, token, Order.PRICE_DESCENDING), 5)
    assert ids(found) == ["p12", "p09"]
    assert await backends.search.complete(Shopper(), "bread 1", 2, 5) == ("bread 1", "bread 10")
    assert await backends.search.complete(ANN, "", 2, 5) == ("bread 1", "milk 0"), "her own first"
    assert await backends.search.related("milk 3", 2, 5) == ("milk 0", "milk 6")
    nothing = await backends.search.search(SearchQuery("milk", Filter(brands=("nobody",))), 5)
    assert (nothing.total, nothing.lifted, nothing.wider_total) == (0, ("brands",), 20)
    with pytest.raises(Refused) as caught:
        await backends.search.search(SearchQuery(token="x"), 5)
    assert (caught.value.reason, caught.value.field) == ("INVALID_PAGE_TOKEN", "page_token")


async def test_looker_and_pricer(backends):
    seen = await backends.vision.look(b"jpeg", ANY, 5, 5)
    assert (ids(seen), seen.labels[0].name) == (["p05"], "milk")
    assert ids(await backends.vision.look(b"jpeg", ANY, 5, 5, (0.1, 0.2, 0.9, 0.5))) == ["p05"]
    assert ids(await backends.vision.look(b"jpeg", ANY, 5, 5, (0.1, 0.5, 0.9, 0.75))) == []
    with pytest.raises(Refused, match="not a picture"):
        await backends.vision.look(NOT_A_PICTURE, ANY, 5, 5)
    quotes = await backends.pricing.quote(["p01", "unknown"], 5)
    assert {one: quote.price for one, quote in quotes.items()} == {"p01": Money("USD", 1_800_000)}


async def test_a_service_that_fails_is_told_in_the_domains_words():
    async with town(small_shop()) as here:
        backend = Backend("recsys", here.targets["recsys"], SERVICES["recsys"][2])
        port = StubRecommender(backend)
        here.troubles["recsys"].kind = "slow"
        with pytest.raises(BackendTimedOut):
            await port.recommend(Placement.HOME, ANN, 0.2, size=1)
        with pytest.raises(BackendTimedOut):
            await port.recommend(Placement.HOME, ANN, 0, size=1)
        await here.kill("recsys")
        with pytest.raises(BackendUnavailable):
            await port.recommend(Placement.HOME, ANN, 2, size=1)
        await backend.close()
