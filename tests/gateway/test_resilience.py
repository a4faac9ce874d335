"""The small parts that keep pages coming: circuit, hedge, sharing, admission, attribution, price tags."""

import asyncio

import pytest

from services.gateway.domain.admission import Admissions, Priority
from services.gateway.domain.attribution import Attribution, parse
from services.gateway.domain.circuit import FAILURES, SHORTEST, Circuit
from services.gateway.domain.errors import BackendTimedOut, BackendUnavailable, Refused
from services.gateway.domain.hedge import BURST, LEAST_REMEMBERED, Hedge
from services.gateway.domain.model import Answer, Candidate, Card, Item, Money, PriceTag, Quote, Status
from services.gateway.domain.prices import KEPT_SECONDS, PriceTags, total
from services.gateway.domain.sharing import Keep, Shared


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(circuit: Circuit, fair: bool = True) -> None:
    with pytest.raises(BackendTimedOut), circuit.attempt(fair):
        raise BackendTimedOut("late")


def test_a_circuit_opens_after_failures_in_a_row_and_lets_one_try_through():
    clock = Clock()
    circuit = Circuit("recsys", clock)
    for _ in range(FAILURES):
        fail(circuit, fair=False)  # too little time was given: says nothing
    for _ in range(FAILURES):
        assert not circuit.open
        fail(circuit)
    with pytest.raises(BackendUnavailable), circuit.attempt():
        pytest.fail("an open circuit lets nothing through")
    clock.now += SHORTEST
    with circuit.attempt(), pytest.raises(BackendUnavailable), circuit.attempt():
        pytest.fail("one try at a time")
    assert circuit.well
    assert not circuit.open


def test_a_try_that_is_cancelled_leaves_room_for_the_next():
    clock = Clock()
    circuit = Circuit("recsys", clock)
    for _ in range(FAILURES):
        fail(circuit)
    clock.now += SHORTEST
    with pytest.raises(asyncio.CancelledError), circuit.attempt():
        raise asyncio.CancelledError
    assert not circuit.open


async def test_a_late_call_is_asked_twice_and_the_budget_bounds_it():
    hedge, hang, calls = Hedge(), asyncio.Event(), []

    async def quick() -> str:
        return "quick"

    async def first_hangs() -> str:
        calls.append(1)
        if len(calls) % 2:
            await hang.wait()
        return "second"

    for _ in range(LEAST_REMEMBERED):
        await hedge.call(quick)
    assert await hedge.call(first_hangs) == "second"
    assert hedge.hedged == 1
    for _ in range(200):
        await hedge.call(quick)
    late = 0
    while hedge.hedged < 1 + int(BURST):
        await hedge.call(first_hangs)
        late += 1
    assert late == BURST
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await hedge.call(first_hangs)  # no budget: nobody is asked a second time


async def test_the_error_of_a_hedged_call_waits_for_the_other_attempt():
    hedge, failed = Hedge(), asyncio.Event()
    calls = []

    async def quick() -> str:
        return "quick"

    async def second_fails() -> str:
        calls.append(1)
        if len(calls) == 1:
            await failed.wait()
            return "first"
        failed.set()
        raise BackendUnavailable("second")

    for _ in range(LEAST_REMEMBERED):
        await hedge.call(quick)
    assert await hedge.call(second_fails) == "first"


async def test_answers_are_fetched_once_kept_and_used_again():
    clock, answers = Clock(), iter([Answer(served_by="1"), Answer(served_by="2")])
    shared, keep, fetched = Shared(clock), Keep(fresh=10, stale=20, spare=100), asyncio.Event()

    async def fetch() -> Answer:
        await asyncio.sleep(0)
        try:
            return next(answers)
        except StopIteration:
            raise BackendUnavailable("down") from None
        finally:
            fetched.set()

    both = await asyncio.gather(shared.get("k", fetch, keep), shared.get("k", fetch, keep))
    assert [one.served_by for one in both] == ["1", "1"]
    clock.now += 15
    fetched.clear()
    assert (await shared.get("k", fetch, keep)).status is Status.STALE
    await fetched.wait()
    await asyncio.sleep(0)
    assert (await shared.get("k", fetch, keep)).served_by == "2"
    clock.now += 50
    assert (await shared.get("k", fetch, keep)).status is Status.STALE
    clock.now += 100
    with pytest.raises(BackendUnavailable):
        await shared.get("k", fetch, keep)


async def test_one_who_gives_up_does_not_end_the_fetch_for_the_others():
    shared, go = Shared(), asyncio.Event()

    async def fetch() -> Answer:
        await go.wait()
        return Answer(served_by="all")

    first = asyncio.create_task(shared.get("k", fetch))
    second = asyncio.create_task(shared.get("k", fetch))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert (await second).served_by == "all"


def test_what_matters_less_is_refused_first():
    admissions = Admissions(limit=10)
    held = [admissions.admit(Priority.CHECKOUT) for _ in range(6)]
    for one in held:
        assert not one.__enter__().strained
    with pytest.raises(Refused) as caught, admissions.admit(Priority.PREFETCH):
        pytest.fail("no room")
    assert caught.value.reason == "OVERLOADED"
    with admissions.admit(Priority.BROWSE) as admission:
        assert admission.strained
    for lag in (0.2, 0.2):
        admissions.observe(lag)
    assert admissions.limit == 8  # the least
    admissions.observe(0.0)
    assert admissions.limit == 12


def test_attribution_tokens_are_short_and_read_back():
    models = tuple((f"section-{n}", "recsys cooccurrence-20261123T101500") for n in range(3))
    attribution = Attribution("a" * 32, "home", 1_790_000_000_000, models)
    token = attribution.token()
    assert len(token) <= 200
    assert parse(token).request_id == "a" * 32
    assert parse(token).models[0][1].startswith("recsys cooccurrence")
    short = Attribution("id", "cart", 5, (("goes-with-cart", "recsys popular"),))
    assert parse(short.token()) == short
    for wrong in ("", "!!", "abc", "é"):
        with pytest.raises(Refused):
            parse(wrong)


class Pricing:
    """Answers until it is told to fail."""

    fails = False

    async def quote(self, product_ids, timeout):  # noqa: ASYNC109
        if self.fails:
            raise BackendUnavailable("down")
        return {"known": Quote(Money("USD", 5))}


async def test_price_tags_fall_back_to_earlier_quotes_and_list_prices():
    clock, pricing = Clock(), Pricing()
    tags = PriceTags(pricing, clock)
    cards = {one: Card(one, "", (), "", Money("USD", 9), True, b"") for one in ("known", "other")}
    cards["free"] = Card("free", "", (), "", None, True, b"")
    statuses = {one: tag.status for one, tag in (await tags.of(cards, 1)).items()}
    assert statuses == {"known": Status.OK, "other": Status.FALLBACK}
    pricing.fails = True
    assert (await tags.of(cards, 1))["known"] == PriceTag(Quote(Money("USD", 5)), Status.STALE)
    clock.now += KEPT_SECONDS + 1
    assert (await tags.of(cards, 1))["known"].quote.price.micros == 9


def test_a_total_is_of_one_currency_and_fits():
    def item(currency: str, micros: int, quantity: int) -> Item:
        card = Card("p", "", (), "", None, True, b"")
        tag = PriceTag(Quote(Money(currency, micros)), Status.OK)
        return Item(1, Candidate("p", quantity=quantity), card, tag)

    assert total([item("USD", 2, 3), item("USD", 1, 1)]) == Money("USD", 7)
    assert total([item("USD", 2, 3), item("EUR", 1, 1)]) is None
    assert total([item("USD", 2**62, 10_000)]) is None
    assert total([]) is None
