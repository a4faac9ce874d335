"""The merchant's controls: what each does, when, and how a bad one is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from aisle.catalog.v1 import product_pb2
from aisle.search.v1 import control_pb2, control_pb2_grpc, search_pb2, search_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import field_of, reason_of
from services.kit.log import Entry
from services.kit.memory_log import MemoryLog
from services.kit.testing import serving
from services.search.adapters.sqlite_controls import SqliteControls
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.config import Config
from services.search.domain.answer import Page
from services.search.domain.request import Filter, Order, Request
from services.search.domain.search import Searcher
from services.search.server import build
from tests.search.shop import SHOP, control, shop_database, upsert

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def ids(page: Page) -> list[str]:
    return [result.product_id for result in page.results]


@contextmanager
def ruled(home: Path, *controls: Entry) -> Iterator[Searcher]:
    """Search by words under these controls, at NOON."""
    with shop_database(home, [*map(upsert, SHOP), *controls]) as database:
        yield Searcher(
            TantivyCatalogue(database),
            lambda: None,
            SqliteLexicon(database),
            controls=SqliteControls(database),
            now=lambda: NOON,
        )


def at(hour: int) -> Timestamp:
    return Timestamp(seconds=int(NOON.timestamp()) + 3_600 * (hour - 12))


def test_a_pin_takes_its_place_whether_or_not_it_matches(tmp_path: Path) -> None:
    pins = [
        control(control_id="a", queries=["Tea"], pin=control_pb2.Pin(product_id="gift", position=2)),
        control(control_id="b", queries=["tea"], pin=control_pb2.Pin(product_id="tea-2")),
        control(control_id="c", queries=["tea"], pin=control_pb2.Pin(product_id="gone")),
    ]
    with ruled(tmp_path, *pins) as searcher:
        page = searcher.search(Request("TEA"))
        assert ids(page) == ["tea-2", "gift", "tea-1"]
        assert page.total == 3
        assert page.results[1].reason == "Chosen for “TEA”"
        assert ids(searcher.search(Request("green tea"))) == ["tea-1", "tea-2"]
        assert "gift" not in ids(searcher.search(Request("tea", filter=Filter(brands=("leaf",)))))
        assert "gift" not in ids(searcher.search(Request("tea", order=Order.PRICE_ASCENDING)))


@pytest.mark.parametrize(("strength", "place"), [(1.0, 0), (-1.0, -1)])
def test_a_boost_lifts_or_buries_what_matches(tmp_path: Path, strength: float, place: int) -> None:
    boost = control_pb2.Boost(strength=strength, filter=product_pb2.ProductFilter(brands=["OATY"]))
    with ruled(tmp_path, control(control_id="oaty", boost=boost)) as searcher:
        page = searcher.search(Request("milk"))
        assert ids(page)[place].startswith("milk-")
        assert {found.product_id for found in page.results if found.parts.boost} == {"milk-2", "milk-3"}
        assert ids(searcher.search(Request("tea"))) == ["tea-1", "tea-2"]
    named = control_pb2.Boost(strength=strength, product_ids=["choc-1"])
    with ruled(tmp_path / "named", control(control_id="c", queries=["milk"], boost=named)) as searcher:
        assert ids(searcher.search(Request("milk")))[place] == "choc-1"


def test_synonyms_are_searched_beside_the_words(tmp_path: Path) -> None:
    both = control_pb2.Synonyms(terms=["cuppa", "tea", "hot drink"])
    one_way = control_pb2.Synonyms(terms=["moo juice", "milk"], one_way=True)
    controls = [control(control_id="1", synonyms=both), control(control_id="2", synonyms=one_way)]
    with ruled(tmp_path, *controls) as searcher:
        for query in ("cuppa", "tea", "hot drink"):
            assert ids(searcher.search(Request(query))) == ["tea-1", "tea-2"]
        page = searcher.search(Request("whole moo juice"))
        assert ids(page)[0] == "milk-1"
        assert page.query.words[1] == ("moo juice", "milk")
        assert "moo juice" not in searcher.search(Request("milk")).query.words[0]
        assert ids(searcher.search(Request("cuppa", exact=True))) == []


@pytest.mark.parametrize(
    ("start", "end", "uri"), [(None, None, "/tea"), (12, 13, "/tea"), (13, 14, ""), (10, 12, "")]
)
def test_a_control_has_its_dates(tmp_path: Path, start: int | None, end: int | None, uri: str) -> None:
    dated = control(
        control_id="r",
        queries=["tea"],
        redirect=control_pb2.Redirect(uri="/tea"),
        start_time=at(start) if start else None,
        end_time=at(end) if end else None,
    )
    with ruled(tmp_path, dated) as searcher:
        page = searcher.search(Request("Tea "))
        assert (page.redirect_uri, ids(page)) == (uri, ["tea-1", "tea-2"])


def test_a_control_that_another_version_let_in_stops_no_search(tmp_path: Path) -> None:
    bad = control(control_id="a", boost=control_pb2.Boost(strength=9))
    good = control(control_id="b", queries=["tea"], pin=control_pb2.Pin(product_id="gift"))
    with ruled(tmp_path, bad, good) as searcher:
        assert ids(searcher.search(Request("tea")))[0] == "gift"


PIN = control_pb2.Pin(product_id="gift")
REFUSED = [
    (control_pb2.Control(queries=["tea"], pin=PIN), "control.control_id"),
    (control_pb2.Control(control_id="x"), "control.action"),
    (control_pb2.Control(control_id="x", pin=PIN), "control.queries"),
    (control_pb2.Control(control_id="x", queries=["a"], pin=control_pb2.Pin()), "control.pin.product_id"),
    (
        control_pb2.Control(control_id="x", queries=["a"], pin=control_pb2.Pin(product_id="a", position=101)),
        "control.pin.position",
    ),
    (control_pb2.Control(control_id="x", boost=control_pb2.Boost(strength=2)), "control.boost.strength"),
    (control_pb2.Control(control_id="x", boost=control_pb2.Boost(strength=1)), "control.boost"),
    (
        control_pb2.Control(control_id="x", queries=["a"], redirect=control_pb2.Redirect()),
        "control.redirect.uri",
    ),
    (
        control_pb2.Control(control_id="x", synonyms=control_pb2.Synonyms(terms=["Tea", "tea"])),
        "control.synonyms.terms",
    ),
    (
        control_pb2.Control(control_id="x", queries=["a"], pin=PIN, start_time=at(3), end_time=at(3)),
        "control.end_time",
    ),
]


async def test_controls_are_set_followed_listed_and_deleted(tmp_path: Path) -> None:
    log = MemoryLog()
    await log.append(list(map(upsert, SHOP)))
    async with serving(build(Config(home=tmp_path), log)) as channel:
        controls = control_pb2_grpc.ControlServiceStub(channel)
        search = search_pb2_grpc.SearchServiceStub(channel)
        pin = control_pb2.Control(control_id="x", queries=["milk"], pin=PIN)

        async def first() -> str:
            answer = await search.Search(search_pb2.SearchRequest(query="milk", explain=True))
            top = answer.results[0]
            assert sum(part.value for part in top.score_parts) == pytest.approx(top.score)
            return str(top.product_id)

        before = await first()
        await controls.SetControl(control_pb2.SetControlRequest(control=pin))
        assert await first() == "gift"
        assert list((await controls.ListControls(control_pb2.ListControlsRequest())).controls) == [pin]
        await controls.DeleteControl(control_pb2.DeleteControlRequest(control_id="x"))
        assert await first() == before
        assert not (await controls.ListControls(control_pb2.ListControlsRequest())).controls
        for bad, field in REFUSED:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await controls.SetControl(control_pb2.SetControlRequest(control=bad))
            assert (reason_of(caught.value), field_of(caught.value)) == ("INVALID_VALUE", field)
