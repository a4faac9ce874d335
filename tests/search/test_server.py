"""The service on a real channel, over a log: what a caller sees, live."""

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from aisle.catalog.v1 import product_pb2
from aisle.search.v1 import search_pb2, search_pb2_grpc

from services.kit.errors import field_of, reason_of
from services.kit.log import Entry, Log
from services.kit.memory_log import MemoryLog
from services.kit.nats_log import NatsLog
from services.kit.testing import serving, wait_until
from services.search.config import Config
from services.search.server import build
from tests.search.shop import SHOP, delete, money, product, searched, upsert

SECONDS = 2.0
"""Within which a change must show."""

Stub = Any  # generated code types the blocking stub alone


@pytest.fixture(params=["memory", "nats"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[Log]:
    if request.param == "memory":
        log: Log = MemoryLog()
    else:
        url, prefix = (request.getfixturevalue(name) for name in ("nats_url", "nats_prefix"))
        log = NatsLog(url, prefix=prefix)
    await log.start()
    await write(log, *map(upsert, SHOP))
    yield log
    await log.close()


async def write(log: Log, *entries: Entry) -> None:
    for ack in await log.append(entries):
        assert not isinstance(ack, Exception)


@pytest.fixture
async def stub(log: Log, tmp_path: Path) -> AsyncIterator[Stub]:
    async with serving(build(Config(home=tmp_path), log)) as channel:
        yield search_pb2_grpc.SearchServiceStub(channel)


async def found(stub: Stub, query: str, **fields: object) -> list[str]:
    answer = await stub.Search(search_pb2.SearchRequest(query=query, **fields))
    return [result.product_id for result in answer.results]


async def test_a_change_shows_within_two_seconds(stub: Stub, log: Log) -> None:
    assert await found(stub, "kefir") == []
    await write(log, upsert(product("new", "Kefir", "Grocery > Dairy")))
    await wait_until(lambda: is_found(stub, "kefir", ["new"]), SECONDS)
    await write(log, upsert(product("new", "Ayran", "Grocery > Dairy")))
    await wait_until(lambda: is_found(stub, "kefir", []), SECONDS)
    assert await found(stub, "ayran") == ["new"]
    await write(log, delete("new"))
    await wait_until(lambda: is_found(stub, "ayran", []), SECONDS)


async def is_found(stub: Stub, query: str, expected: list[str]) -> bool:
    return await found(stub, query) == expected


async def test_the_service_runs_on_milvus(tmp_path: Path) -> None:
    log = MemoryLog()
    await write(log, *map(upsert, SHOP))
    config = Config(home=tmp_path, backend="milvus", milvus_uri=str(tmp_path / "milvus.db"))
    async with serving(build(config, log)) as channel:
        stub = search_pb2_grpc.SearchServiceStub(channel)
        assert (await found(stub, "oat milk"))[:2] == ["milk-2", "milk-3"]
        await write(log, upsert(product("milk-2", "Kefir", "Grocery > Dairy")), delete("milk-3"))
        await wait_until(lambda: is_found(stub, "kefir", ["milk-2"]), SECONDS)
        assert "milk-3" not in await found(stub, "oat milk")


async def test_an_answer_tells_all_that_the_proto_says(stub: Stub) -> None:
    request = search_pb2.SearchRequest(
        query="oat milk",
        page_size=1,
        facet_keys=["availability", "brand"],
        filter=product_pb2.ProductFilter(
            categories=["Grocery>Dairy"], brands=["OATY"], min_price=money(4), max_price=money(6)
        ),
    )
    first = await stub.Search(request)
    assert (first.total_size, first.served_by, len(first.results)) == (2, "lexical", 1)
    assert (first.results[0].product_id, first.results[0].lexical_rank) == ("milk-2", 1)
    assert first.results[0].reason == "Matches “oat milk”"
    assert [facet.key for facet in first.facets] == ["availability", "brand"]
    assert [(value.value, value.count) for value in first.facets[1].values] == [("Oaty", 2)]
    request.page_token = first.next_page_token
    second = await stub.Search(request)
    assert [result.product_id for result in second.results] == ["milk-3"]
    assert second.next_page_token == ""


async def test_an_answer_tells_what_was_understood(stub: Stub) -> None:
    answer = await stub.Search(search_pb2.SearchRequest(query="acme mlik under 4 without oat"))
    told = answer.understanding
    assert [(c.typed_text, c.corrected_text) for c in told.corrections] == [("mlik", "milk")]
    assert (told.searched_query, told.language_code) == ("acme milk", "en")
    assert (list(told.brands), list(told.excluded_words), told.max_price) == (["ACME"], ["oat"], money(4))
    assert [result.product_id for result in answer.results][:2] == ["milk-1", "choc-1"]
    exact = await stub.Search(search_pb2.SearchRequest(query="mlik", exact=True))
    assert (len(exact.results), len(exact.understanding.corrections)) == (0, 0)


async def test_completions_learn_from_the_log(stub: Stub, log: Log) -> None:
    await write(log, searched("s1", "milk frother", "v1"), searched("s2", "Milk Frother", "v2"))

    async def offered() -> bool:
        answer = await stub.CompleteQuery(search_pb2.CompleteQueryRequest(prefix="milk f"))
        return [(s.text, s.source) for s in answer.suggestions] == [
            ("milk frother", search_pb2.SUGGESTION_SOURCE_QUERY)
        ]

    await wait_until(offered, SECONDS)


async def test_queries_like_one_come_from_the_log(stub: Stub, log: Log) -> None:
    events = [searched(f"{who}{query}", query, who) for who in ("v1", "v2") for query in ("tea", "Green Tea")]
    await write(log, *events)

    async def offered() -> bool:
        answer = await stub.SimilarQueries(search_pb2.SimilarQueriesRequest(query="TEA"))
        return [(q.text, q.likeness) for q in answer.queries] == [
            ("green tea", search_pb2.QUERY_LIKENESS_TYPED)
        ]

    await wait_until(offered, SECONDS)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SimilarQueries(search_pb2.SimilarQueriesRequest(query=" "))
    assert (reason_of(caught.value), field_of(caught.value)) == ("INVALID_VALUE", "query")


EUROS = product_pb2.ProductFilter(min_price=money(1, "EUR"), max_price=money(2))
REFUSED = [
    (search_pb2.SearchRequest(query="x" * 10_000), "TOO_LARGE", "query"),
    (search_pb2.SearchRequest(page_token="bad"), "INVALID_PAGE_TOKEN", "page_token"),
    (search_pb2.SearchRequest(facet_keys=["colour"]), "INVALID_VALUE", "facet_keys"),
    (search_pb2.SearchRequest(facet_keys=[str(n) for n in range(11)]), "TOO_MANY_ITEMS", "facet_keys"),
    (
        search_pb2.SearchRequest(attribute_filters=[search_pb2.AttributeFilter(name="a", below=math.nan)]),
        "INVALID_VALUE",
        "attribute_filters",
    ),
    (search_pb2.SearchRequest(sort_order=9), "INVALID_VALUE", "sort_order"),  # type: ignore[arg-type]
    (search_pb2.SearchRequest(filter=EUROS), "MIXED_CURRENCIES", "filter.max_price"),
    (
        search_pb2.SearchRequest(filter=product_pb2.ProductFilter(brands=map(str, range(101)))),
        "TOO_MANY_ITEMS",
        "filter.brands",
    ),
    (
        search_pb2.SearchRequest(filter=product_pb2.ProductFilter(max_price=money(1, "usd"))),
        "INVALID_VALUE",
        "filter.max_price",
    ),
]


async def test_bad_requests_are_refused_with_their_reason(stub: Stub) -> None:
    for request, reason, field in REFUSED:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Search(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (reason_of(caught.value), field_of(caught.value)) == (reason, field)


async def test_sizes_are_coerced(stub: Stub) -> None:
    for size, expected in ((-5, 12), (0, 12), (1, 1), (10_000, 12)):
        assert len(await found(stub, "", page_size=size)) == expected


ODD_QUERIES = [
    *("NEAR(", '"', "...", "'; DROP TABLE products; --", "title:milk AND (", "milk*", "^milk", "a OR NOT b"),
    *(
        "🍕" * 250,
        "a\0b",
        "牛奶",
        "牛奶 milk whole 全脂",
        "é" * 500,
        "x " * 500,
        "\u202emilk\u202c",
        "חלב",
        "حليب",
    ),
    *(
        "under under 20",
        "under",
        "without",
        "without without",
        "-5",
        "-",
        "2 l 2 l 2 l",
        "milk over 5 under 2",
    ),
    *("under 99999999999999999999", "$", "milk -milk", "mi\u00adlk", "ab " * 300),
]


async def test_any_query_is_answered(stub: Stub) -> None:
    for query in ODD_QUERIES:
        assert (await stub.Search(search_pb2.SearchRequest(query=query))).served_by == "lexical"
        await stub.CompleteQuery(search_pb2.CompleteQueryRequest(prefix=query))
        await stub.SimilarQueries(search_pb2.SimilarQueriesRequest(query=query))
