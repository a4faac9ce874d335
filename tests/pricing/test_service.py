"""PricingService over a real channel: promises of the proto, refusals, nothing about the shopper."""

import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import pricing_pb2_grpc
from pydantic import SecretStr

from services.kit.errors import field_of, reason_of
from services.kit.log import CATALOG, EVENTS, Entry, Log
from services.kit.memory_log import MemoryLog
from services.kit.nats_log import NatsLog
from services.kit.testing import serving, wait_until
from services.pricing.config import Config
from services.pricing.server import build, wall_clock
from tests.pricing.shop import deletion, order, product, units

Stub = pricing_pb2_grpc.PricingServiceStub


def config(home: Path, url: str = "") -> Config:
    return Config(home=home, port=0, database_url=SecretStr(url), tick_seconds=0.05, drain_seconds=0)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
async def stub(tmp_path: Path, log: MemoryLog, database_url: str) -> AsyncIterator[Stub]:
    async with serving(build(config(tmp_path, database_url), log=log)) as channel:
        yield pricing_pb2_grpc.PricingServiceStub(channel)


async def write(log: Log, *messages: product_pb2.ProductChange | event_pb2.Event) -> None:
    entries = []
    for message in messages:
        data = message.SerializeToString()
        if isinstance(message, event_pb2.Event):
            entries.append(Entry(EVENTS, message.message_id or str(hash(data)), data))
        else:
            entries.append(Entry(CATALOG, message.upsert.id or message.delete_id, data))
    for result in await log.append(entries):
        assert not isinstance(result, Exception), result


async def quote(stub: Stub, product_id: str, market: str = "") -> pb.Quote | None:
    answer = await stub.QuotePrices(pb.QuotePricesRequest(product_ids=[product_id], market=market))
    return answer.quotes[0] if answer.quotes else None


async def priced(stub: Stub, product_id: str, price: float) -> pb.Quote:
    """Waits until a product has a price."""
    found: list[pb.Quote] = []

    async def has_price() -> bool:
        now = await quote(stub, product_id)
        found[:] = [now] if now else []
        return bool(now and now.price.amount_micros == units(price))

    await wait_until(has_price)
    return found[0]


async def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call()  # type: ignore[misc]
    return caught.value.code(), reason_of(caught.value), field_of(caught.value)


async def test_quotes_come_in_the_order_asked(stub: Stub, log: MemoryLog) -> None:
    await write(log, product("a", 1.0), product("b"), product("c", 3.0))
    await priced(stub, "c", 3.0)
    answer = await stub.QuotePrices(pb.QuotePricesRequest(product_ids=["c", "b", "a", "nobody", "c"]))
    assert [one.product_id for one in answer.quotes] == ["c", "a", "c"]
    assert list(answer.unpriced_product_ids) == ["b", "nobody"]
    assert answer.quotes[0].basis == pb.PRICE_BASIS_LIST
    assert answer.quotes[0].list_price == answer.quotes[0].price
    assert answer.quotes[0].reason == "list price"
    assert not answer.quotes[0].personalized
    assert not answer.quotes[0].HasField("lowest_price_30_days")
    assert await stub.QuotePrices(pb.QuotePricesRequest()) == pb.QuotePricesResponse()


async def test_a_price_its_story_and_its_history_agree(stub: Stub, log: MemoryLog) -> None:
    await write(log, product("milk", 2.0, cost=2.0))
    await priced(stub, "milk", 2.0)
    policy = pb.PricingPolicy(product_id="milk", min_margin=0.2, endings_micros=[990_000])
    policy.ceiling.currency_code, policy.ceiling.amount_micros = "USD", units(4)
    set_to = (await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))).policy
    assert set_to.HasField("update_time")
    now = await quote(stub, "milk")  # at once: the answer came after the price was made
    story = await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))
    history = await stub.ListPriceHistory(pb.ListPriceHistoryRequest(product_id="milk"))
    assert now
    assert now.price.amount_micros == units(2.99)
    assert now.reason == "raised to keep the least margin"
    assert story.quote == now
    assert story.steps[0].before.amount_micros == units(2)
    assert story.steps[-1].after == now.price
    assert [step.rule for step in story.steps] == [
        pb.PRICE_RULE_BASIS,
        pb.PRICE_RULE_MARGIN_FLOOR,
        pb.PRICE_RULE_CEILING,
        pb.PRICE_RULE_ENDING,
    ]
    assert story.steps[1].text == "cost 2.00 and a margin of 20% need at least 2.50"
    assert story.policy == set_to
    assert [entry.price.amount_micros for entry in history.entries] == [units(2.99), units(2)]
    assert history.entries[0].reason == now.reason


async def test_history_in_pages(stub: Stub, log: MemoryLog) -> None:
    now = wall_clock()
    await write(log, product("milk"))
    await write(log, *(order({"milk": 1.0 + n}, now - 1000 + n) for n in range(5)))
    await priced(stub, "milk", 5.0)
    prices, token = [], ""
    while True:
        request = pb.ListPriceHistoryRequest(product_id="milk", page_size=2, page_token=token)
        page = await stub.ListPriceHistory(request)
        prices += [entry.price.amount_micros // units(1) for entry in page.entries]
        token = page.next_page_token
        if not token:
            break
        wrong = pb.ListPriceHistoryRequest(product_id="bread", page_token=token)
        assert (await refusal(lambda wrong=wrong: stub.ListPriceHistory(wrong)))[1] == "INVALID_PAGE_TOKEN"
    assert prices == [5, 4, 3, 2, 1]


async def test_a_delete_ends_the_quote_and_an_event_changes_it(stub: Stub, log: MemoryLog) -> None:
    await write(log, product("milk"), product("bread", 1.0))
    await write(log, order({"milk": 2.5}, wall_clock()))
    assert (await priced(stub, "milk", 2.5)).basis == pb.PRICE_BASIS_OBSERVED
    await write(log, deletion("milk"))

    async def gone() -> bool:
        return await quote(stub, "milk") is None

    await wait_until(gone)
    assert (await refusal(lambda: stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))))[1] == (
        "PRODUCT_NOT_FOUND"
    )


async def test_not_found(stub: Stub, log: MemoryLog) -> None:
    await write(log, product("free of price"), product("last", 1.0))
    await priced(stub, "last", 1.0)
    not_found = grpc.StatusCode.NOT_FOUND
    explain, history = pb.ExplainPriceRequest, pb.ListPriceHistoryRequest
    nobody, unpriced = "nobody", "free of price"
    assert await refusal(lambda: stub.ExplainPrice(explain(product_id=nobody))) == (
        not_found,
        "PRODUCT_NOT_FOUND",
        "product_id",
    )
    assert await refusal(lambda: stub.ExplainPrice(explain(product_id=unpriced))) == (
        not_found,
        "PRICE_NOT_FOUND",
        "product_id",
    )
    assert (await refusal(lambda: stub.ListPriceHistory(history(product_id=nobody))))[
        1
    ] == "PRODUCT_NOT_FOUND"
    assert not (await stub.ListPriceHistory(history(product_id=unpriced))).entries


BAD_POLICIES = [
    ({"min_margin": math.nan}, "INVALID_VALUE", "policy.min_margin"),
    ({"min_margin": 1.0}, "INVALID_VALUE", "policy.min_margin"),
    ({"min_margin": -0.1}, "INVALID_VALUE", "policy.min_margin"),
    ({"max_daily_step": math.inf}, "INVALID_VALUE", "policy.max_daily_step"),
    ({"max_daily_step": -0.5}, "INVALID_VALUE", "policy.max_daily_step"),
    ({"max_daily_step": 1e-9}, "INVALID_VALUE", "policy.max_daily_step"),
    ({"endings_micros": [1_000_000]}, "INVALID_VALUE", "policy.endings_micros"),
    ({"endings_micros": [-1]}, "INVALID_VALUE", "policy.endings_micros"),
    ({"endings_micros": range(11)}, "TOO_MANY_ITEMS", "policy.endings_micros"),
    ({"product_id": "x" * 10_000}, "TOO_LARGE", "policy.product_id"),
    ({"product_id": ""}, "REQUIRED", "policy.product_id"),
    ({"category": "Food > "}, "INVALID_VALUE", "policy.category"),
    ({"market": "a\nb"}, "INVALID_VALUE", "policy.market"),
    ({"floor": {"currency_code": "USD", "amount_micros": -1}}, "INVALID_VALUE", "policy.floor.amount_micros"),
    ({"floor": {"currency_code": "usd"}}, "INVALID_VALUE", "policy.floor.currency_code"),
    ({"floor": {"amount_micros": 1}}, "REQUIRED", "policy.floor.currency_code"),
    (
        {"floor": {"currency_code": "USD"}, "ceiling": {"currency_code": "EUR", "amount_micros": 1}},
        "MIXED_CURRENCIES",
        "policy.ceiling",
    ),
    (
        {
            "floor": {"currency_code": "USD", "amount_micros": 2},
            "ceiling": {"currency_code": "USD", "amount_micros": 1},
        },
        "INVALID_VALUE",
        "policy.ceiling",
    ),
]


@pytest.mark.parametrize(("fields", "reason", "field"), BAD_POLICIES)
async def test_bad_policies_are_refused(
    tmp_path: Path, fields: dict[str, object], reason: str, field: str
) -> None:
    async with serving(build(config(tmp_path), log=MemoryLog())) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        request = pb.SetPricingPolicyRequest(policy=pb.PricingPolicy(**fields))  # type: ignore[arg-type]
        found = await refusal(lambda: stub.SetPricingPolicy(request))
    assert found == (grpc.StatusCode.INVALID_ARGUMENT, reason, field)


async def test_other_bad_requests_are_refused(stub: Stub) -> None:
    many = pb.QuotePricesRequest(product_ids=[str(n) for n in range(10_000)])
    large, control = (
        pb.QuotePricesRequest(product_ids=["x" * 10_240]),
        pb.QuotePricesRequest(product_ids=["a\0"]),
    )
    negative = pb.ListPriceHistoryRequest(product_id="a", page_size=-1)
    forged = pb.ListPriceHistoryRequest(product_id="a", page_token="?")
    elsewhere = pb.QuotePricesRequest(product_ids=["a"], market="atlantis")
    cases = [
        (lambda: stub.QuotePrices(many), "TOO_MANY_ITEMS", "product_ids"),
        (lambda: stub.QuotePrices(large), "TOO_LARGE", "product_ids"),
        (lambda: stub.QuotePrices(control), "INVALID_VALUE", "product_ids"),
        (lambda: stub.QuotePrices(elsewhere), "INVALID_VALUE", "market"),
        (lambda: stub.ExplainPrice(pb.ExplainPriceRequest()), "REQUIRED", "product_id"),
        (lambda: stub.SetPricingPolicy(pb.SetPricingPolicyRequest()), "REQUIRED", "policy"),
        (lambda: stub.ListPriceHistory(negative), "INVALID_VALUE", "page_size"),
        (lambda: stub.ListPriceHistory(forged), "INVALID_PAGE_TOKEN", "page_token"),
    ]
    for call, reason, field in cases:
        assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, reason, field)


def test_no_request_says_who_asks() -> None:
    assert {field.name for field in pb.QuotePricesRequest.DESCRIPTOR.fields} == {"product_ids", "market"}


async def test_prices_do_not_depend_on_who_bought(tmp_path: Path) -> None:
    answers = []
    for shopper in ("ann", "bob"):
        log = MemoryLog()
        async with serving(build(config(tmp_path / shopper), log=log)) as channel:
            stub = pricing_pb2_grpc.PricingServiceStub(channel)
            await write(log, product("milk"), order({"milk": 2.5}, 5_000_000, shopper=shopper))
            answers.append(await priced(stub, "milk", 2.5))
    assert answers[0] == answers[1]


async def test_over_the_real_log(tmp_path: Path, nats_url: str, nats_prefix: str) -> None:
    log = NatsLog(nats_url, prefix=nats_prefix)
    await log.start()
    await write(log, product("milk"), order({"milk": 2.5}, wall_clock() - 1_000_000))
    service = build(config(tmp_path), log=NatsLog(nats_url, prefix=nats_prefix))
    async with serving(service) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        assert (await priced(stub, "milk", 2.5)).basis == pb.PRICE_BASIS_OBSERVED
        await write(log, product("milk", 3.0))
        await priced(stub, "milk", 3.0)
    await log.close()


async def test_a_price_is_proposed_approved_and_stopped(stub: Stub, log: MemoryLog) -> None:
    await write(log, product("milk", 2.0))
    await priced(stub, "milk", 2.0)
    policy = pb.PricingPolicy(mode=pb.PRICING_MODE_PROPOSE)
    answer = await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy, actor="ann"))
    assert answer.policy.mode == pb.PRICING_MODE_PROPOSE
    wanted = pb.WantedPrice(product_id="milk")
    wanted.price.currency_code, wanted.price.amount_micros = "USD", units(1.5)
    wanted.evidence.inputs[:] = ["units_sold", "cost"]
    wanted.evidence.elasticity_error = 0.3
    wanted.evidence.elasticity, wanted.evidence.revenue.value = -2.5, 40.0
    request = pb.ProposePricesRequest(prices=[wanted], proposer="ann", request_id="r1")
    made = (await stub.ProposePrices(request)).proposals[0]
    assert (made.status, made.new_price.amount_micros) == (pb.PROPOSAL_STATUS_PENDING, units(1.5))
    assert (made.evidence.elasticity, made.evidence.revenue.value) == (-2.5, 40.0)
    assert list(made.evidence.inputs) == ["cost", "units_sold"]
    assert (await stub.ProposePrices(request)).proposals[0] == made
    pending = pb.ListProposalsRequest(status=pb.PROPOSAL_STATUS_PENDING)
    assert (await stub.ListProposals(pending)).proposals[0] == made
    approval = pb.ApproveProposalRequest(proposal_id=made.proposal_id, approver="bob")
    done = (await stub.ApproveProposal(approval)).proposal
    assert (done.status, done.decider) == (pb.PROPOSAL_STATUS_APPLIED, "bob")
    assert not (await stub.ListProposals(pending)).proposals
    story = await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))
    assert (story.quote.price.amount_micros, story.quote.basis) == (units(1.5), pb.PRICE_BASIS_APPROVED)
    assert story.steps[0].text == (
        "approved price 1.50: proposal 1, approved by bob, elasticity -2.50 with a standard error of 0.30"
    )
    history = await stub.ListPriceHistory(pb.ListPriceHistoryRequest(product_id="milk"))
    assert (history.entries[0].audit.approver, history.entries[0].audit.elasticity) == ("bob", -2.5)
    await stub.StopPricing(pb.StopPricingRequest(stop=pb.Stop(actor="eve", reason="a recall")))
    story = await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))
    assert (story.quote.price.amount_micros, story.stop.actor) == (units(2), "eve")
    assert story.steps[-1].text == "pricing is stopped by eve: a recall"
    assert (await stub.ResumePricing(pb.ResumePricingRequest(actor="eve"))).resumed
    now = await quote(stub, "milk")
    assert now
    assert now.price.amount_micros == units(1.5)


async def test_bad_proposals_and_decisions_are_refused(stub: Stub) -> None:
    def wanted(**fields: object) -> pb.WantedPrice:
        price = {"currency_code": "USD", "amount_micros": 5}
        return pb.WantedPrice(**{"product_id": "milk", "price": price, **fields})  # type: ignore[arg-type]

    def propose(*prices: pb.WantedPrice, proposer: str = "ann") -> Callable[[], object]:
        return lambda: stub.ProposePrices(pb.ProposePricesRequest(prices=prices, proposer=proposer))

    free = {"currency_code": "USD"}
    personal = {"inputs": ["cost", "age", "user_id"]}
    unlikely, unreal = {"propensity": 1.5}, {"elasticity": math.inf}
    cases: list[tuple[Callable[[], object], str, str]] = [
        (propose(), "REQUIRED", "prices"),
        (propose(*(wanted(product_id=str(n)) for n in range(1001))), "TOO_MANY_ITEMS", "prices"),
        (propose(wanted(), wanted()), "INVALID_VALUE", "prices.product_id"),
        (propose(wanted(), proposer=""), "REQUIRED", "proposer"),
        (propose(wanted(price=free)), "INVALID_VALUE", "prices[0].price.amount_micros"),
        (propose(wanted(evidence=personal)), "INVALID_VALUE", "prices[0].evidence.inputs"),
        (propose(wanted(evidence=unlikely)), "INVALID_VALUE", "prices[0].evidence.propensity"),
        (propose(wanted(evidence=unreal)), "INVALID_VALUE", "prices[0].evidence.elasticity"),
        (lambda: stub.StopPricing(pb.StopPricingRequest()), "REQUIRED", "stop"),
        (lambda: stub.ResumePricing(pb.ResumePricingRequest()), "REQUIRED", "actor"),
    ]
    for call, reason, field in cases:
        assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, reason, field)
    for proposal_id in ("7", "never"):
        request = pb.ApproveProposalRequest(proposal_id=proposal_id, approver="bob")
        found = await refusal(lambda request=request: stub.ApproveProposal(request))  # type: ignore[misc]
        assert found == (grpc.StatusCode.NOT_FOUND, "PROPOSAL_NOT_FOUND", "proposal_id")
