"""Business signals and variety, by eye: what sells, is new or can be had stands higher among equals."""

from pathlib import Path

import pytest
from aisle.events.v1 import event_pb2
from aisle.search.v1 import control_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.log import EVENTS, Entry
from services.search.adapters.row_signals import signals_of
from services.search.adapters.sqlite_controls import SqliteControls
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.control_wire import control_of
from services.search.domain.errors import InvalidValue
from services.search.domain.ordering import Ordering
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.domain.signals import DAY, SALES_DAYS, Sales, strength_of
from services.search.domain.stages import without
from tests.search.shop import BEGIN, OUT, control, money, product, shop_database, upsert

NOW = BEGIN.timestamp()


def ids(home: Path, *entries: Entry, query: str = "kettle", leave_out: str = "") -> list[str]:
    with shop_database(home, entries) as database:
        searcher = Searcher(
            TantivyCatalogue(database),
            lambda: None,
            SqliteLexicon(database),
            without(leave_out),
            SqliteControls(database),
            Ordering(signals_of(database)),
            now=lambda: BEGIN,
        )
        return [found.product_id for found in searcher.search(Request(query)).results]


def order(message: str, *products: str, days_ago: float = 1) -> Entry:
    event = event_pb2.Event(
        message_id=message,
        type=event_pb2.EVENT_TYPE_ORDER_COMPLETED,
        event_time=Timestamp(seconds=int(NOW - days_ago * DAY)),
        product_details=[event_pb2.ProductDetail(product_id=name) for name in products],
    )
    return Entry(EVENTS, message, event.SerializeToString())


def kettle(name: str, brand: str = "", **told: object) -> Entry:
    made = product(name, "Kettle", brand=brand, price=20)
    for field, value in told.items():
        if isinstance(value, int):
            setattr(made, field, value)
        else:
            getattr(made, field).CopyFrom(value)
    return upsert(made)


def test_what_sells_is_new_or_can_be_had_stands_higher(tmp_path: Path) -> None:
    shop = [kettle("a"), kettle("b"), kettle("c", availability=OUT)]
    assert ids(tmp_path / "1", *shop, order("1", "b")) == ["b", "a", "c"]
    assert ids(tmp_path / "2", *shop, order("1", "b"), leave_out="signals") == ["a", "b", "c"]
    fresh = kettle("d", available_time=Timestamp(seconds=int(NOW - DAY)))
    assert ids(tmp_path / "3", *shop, fresh)[0] == "d"


def test_an_old_order_counts_less_and_in_any_order(tmp_path: Path) -> None:
    shop = [kettle("a"), kettle("b")]
    sold = [order("1", "a", days_ago=90), order("2", "b", days_ago=2)]
    assert ids(tmp_path / "1", *shop, *sold) == ids(tmp_path / "2", *shop, *sold[::-1]) == ["b", "a"]


def test_the_merchant_sets_what_signals_count(tmp_path: Path) -> None:
    shop = [kettle("a", cost=money(19)), kettle("b", cost=money(5))]
    assert ids(tmp_path / "1", *shop) == ["a", "b"]
    earning = control(control_id="m", signal_weights=control_pb2.SignalWeights(margin=0.5))
    assert ids(tmp_path / "2", *shop, earning) == ["b", "a"]
    with pytest.raises(InvalidValue) as caught:
        control_of(
            control_pb2.Control(control_id="m", signal_weights=control_pb2.SignalWeights(popularity=-1))
        )
    assert caught.value.field == "control.signal_weights.popularity"


def test_brands_take_turns_unless_one_is_asked_for(tmp_path: Path) -> None:
    shop = [kettle("a1", "Acme"), kettle("a2", "Acme"), kettle("b", "Best")]
    assert ids(tmp_path / "1", *shop) == ["a1", "b", "a2"]
    assert ids(tmp_path / "2", *shop, leave_out="variety") == ["a1", "a2", "b"]
    assert ids(tmp_path / "3", *shop, query="acme kettle")[:2] == ["a1", "a2"]


def test_parts_add_up_to_the_score(tmp_path: Path) -> None:
    with shop_database(tmp_path, [kettle("a", "A"), kettle("b", "A"), order("1", "a")]) as database:
        ordering = Ordering(signals_of(database))
        words, lexicon = TantivyCatalogue(database), SqliteLexicon(database)
        searcher = Searcher(words, lambda: None, lexicon, ordering=ordering, now=lambda: BEGIN)
        for found in searcher.search(Request("kettle")).results:
            assert sum(found.parts) == pytest.approx(found.score)
            assert found.parts.availability == pytest.approx(0.3)


def test_sales_fade_by_half() -> None:
    sales = Sales()
    sales.add("old", strength_of(2, NOW - SALES_DAYS * DAY))
    sales.add("new", strength_of(1, NOW))
    assert sales.popularity("old", NOW) == pytest.approx(1) == sales.popularity("new", NOW)
    sales.add("new", strength_of(1, NOW))
    assert 0.5 < sales.popularity("old", NOW) < 1
    assert sales.popularity("none", NOW) == 0
