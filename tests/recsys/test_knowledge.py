"""The suite of the Knowledge port: the SQLite view and the one in memory say the same."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from services.kit.log import Entry
from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.adapters.messages import change_of, signal_of
from services.recsys.adapters.view import RecsysView
from services.recsys.domain.interactions import Past
from services.recsys.domain.popularity import MOST_SEGMENTS
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.signals import Kind
from services.recsys.domain.trails import MAX_LINES
from tests.recsys import world

Feed = Callable[..., None]


@pytest.fixture(params=["memory", "sqlite"])
def fed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Knowledge, Feed]]:
    """A Knowledge, and what feeds it entries of the log."""
    count = 0
    if request.param == "memory":
        memory = MemoryKnowledge()

        def feed(*entries: Entry) -> None:
            for record in world.records(entries):
                if record.stream == "CATALOG":
                    product_id, product = change_of(record)
                    memory.put(product, record.time.timestamp()) if product else memory.remove(product_id)
                elif signal := signal_of(record):
                    memory.take(signal)

        yield memory, feed
        return
    view = RecsysView(tmp_path / "view.db", refresh_seconds=0)

    def feed_view(*entries: Entry) -> None:
        nonlocal count
        for entry in entries:
            count += 1
            view.apply(world.records([entry], count))

    yield view, feed_view
    view.close()


def entries(knowledge: Knowledge, *keys: str) -> dict[str, tuple[float, ...]]:
    """A taste as product id -> (pieces, times, frequency, interest), rounded."""
    with knowledge.shop() as shop:
        taste = knowledge.taste(keys)
        columns = zip(taste.rows, taste.pieces, taste.times, taste.frequency(), taste.interest(), strict=True)
        return {
            shop.catalogue.ids[r]: (int(p), int(t), round(float(f), 3), round(float(i), 3))
            for r, p, t, f, i in columns
        }


def test_a_taste_is_what_one_shopper_did(fed):
    knowledge, feed = fed
    feed(*world.entries())
    found = entries(knowledge, "user:ann")
    assert {product: (pieces, times) for product, (pieces, times, _, _) in found.items()} == {
        "milk": (3, 3),
        "bread": (3, 3),
        "butter": (1, 1),
    }
    assert entries(knowledge, "user:nobody", "user:bob").keys() == {"chips"}
    assert entries(knowledge, "user:nobody") == {}
    assert entries(knowledge) == {}


def test_old_signals_fade(fed):
    knowledge, feed = fed
    feed(
        world.event(world.bought("ann", "milk", hours=0), "1"),
        world.event(world.bought("ann", "milk", hours=24 * 120), "2"),
        world.event(world.viewed("ann", "beer", hours=24 * (120 - 14)), "3"),
    )
    assert entries(knowledge, "user:ann") == {"milk": (2, 2, 1.5, 0), "beer": (0, 0, 0, 0.1)}


def test_refunds_take_back_whole_or_in_part_in_any_order(fed):
    knowledge, feed = fed
    feed(
        world.event(world.bought("ann", "milk", pieces=4), "1"),
        world.event(world.refunded("ann", "milk", hours=100, pieces=1), "2"),
        world.event(world.refunded("ann", "oat", hours=100), "3"),
        world.event(world.bought("ann", "oat"), "4"),
        world.event(world.bought("ann", "bread"), "5"),
        world.event(world.refunded("ann", "bread", hours=100, pieces=9), "6"),
    )
    assert entries(knowledge, "user:ann") == {
        "milk": (3, 1, 0.75, 0),
        "oat": (0, 0, 0, 0),
        "bread": (0, 0, 0, 0),
    }


def test_events_from_the_future_count_from_when_they_came(fed):
    knowledge, feed = fed
    feed(world.event(world.bought("ann", "milk", hours=24 * 365 * 900), "1"))
    feed(world.event(world.bought("ann", "bread", hours=24 * 365), "2"))
    assert entries(knowledge, "user:ann")["bread"][2] == pytest.approx(1, abs=0.01)


def test_popularity_and_products(fed):
    knowledge, feed = fed
    feed(*world.entries())
    with knowledge.shop() as shop:
        allowed = np.ones(len(shop.catalogue), bool)
        best = [shop.catalogue.ids[row] for row in shop.popular.best(allowed, 3)]
        assert best == ["bread", "chips", "milk"]
        assert shop.catalogue.product(shop.catalogue.row("guac")) == world.PRODUCTS[-1]
    feed(world.change("bread"))
    with knowledge.shop() as shop:
        assert shop.catalogue.rows(["bread", "milk"]) == [shop.catalogue.row("milk")]


def test_a_model_is_used_from_then_on(fed):
    knowledge, feed = fed
    feed(*world.entries())
    knowledge.use(world.model(), "m7")
    with knowledge.shop() as shop:
        assert shop.version == "m7"
        assert shop.served is not None
        rows = np.array(shop.catalogue.rows(["milk", "soap"]))
        assert shop.served.numbers(rows).tolist() == [0, 8]


def names(knowledge: Knowledge, past: Past) -> list[tuple[str, int]]:
    """Product ids and baskets of a past."""
    with knowledge.shop() as shop:
        return [(shop.catalogue.ids[row], int(b)) for row, b in zip(past.items, past.baskets, strict=True)]


def test_a_past_is_what_was_taken_in_order_of_time(fed):
    knowledge, feed = fed
    feed(
        world.event(world.bought("ann", "milk", "bread", hours=3), "1"),
        world.event(world.viewed("ann", "beer", hours=5), "2"),
        world.event(world.bought("ann", "oat", hours=1), "3"),
        world.event(world.refunded("ann", "oat", hours=6), "4"),
        world.event(world.said("ann", Kind.SHOWN, "soap", hours=6), "5"),
    )
    past = knowledge.past(["user:ann"])
    assert names(knowledge, past) == [("oat", 0), ("milk", 1), ("bread", 1), ("beer", 2)]
    assert past.times.tolist() == [world.at(hours) for hours in (1, 3, 3, 5)]
    assert names(knowledge, knowledge.past(["user:nobody", "user:ann"], bought=True))[-1] == ("bread", 1)
    assert len(knowledge.past(["user:nobody"], "ghost")) == len(knowledge.past([])) == 0


def test_of_looks_at_one_product_and_its_purchase_only_the_last_stands(fed):
    knowledge, feed = fed
    steps = [world.viewed, world.viewed, world.bought, world.bought]
    feed(*(world.event(step("ann", "milk", hours=h), str(h)) for h, step in enumerate(steps)))
    assert names(knowledge, knowledge.past(["user:ann"])) == [("milk", 0), ("milk", 1)]


def test_a_visit_is_known_by_itself_and_belongs_to_who_signs_in(fed):
    knowledge, feed = fed
    look, visit = world.viewed("x", "chips", hours=9), "session:s1"
    feed(
        world.event(world.bought("ann", "milk", hours=1), "1"),
        world.event(replace(look, shopper="visitor:v", session=visit), "2"),
        world.event(replace(world.viewed("ann", "salsa", hours=10), device="visitor:v", session=visit), "3"),
    )
    assert names(knowledge, knowledge.session("s1")) == [("chips", 0), ("salsa", 1)]
    assert names(knowledge, knowledge.past(["user:ann"])) == [("milk", 0), ("salsa", 1)]
    assert names(knowledge, knowledge.past(["user:ann"], "s1")) == [("milk", 0), ("chips", 1), ("salsa", 2)]
    assert names(knowledge, knowledge.past(["visitor:v"])) == [("chips", 0)]


def test_a_past_keeps_the_latest_lines(fed):
    knowledge, feed = fed
    feed(*(world.event(world.viewed("ann", f"p{h}", hours=h), str(h)) for h in range(MAX_LINES, -3, -1)))
    past = names(knowledge, knowledge.past(["user:ann"]))
    assert (len(past), past[0][0], past[-1][0]) == (MAX_LINES, "p1", f"p{MAX_LINES}")


def test_what_a_shopper_hid_stays_hidden_until_taken_back(fed):
    knowledge, feed = fed

    def hidden(*keys: str) -> set[str]:
        with knowledge.shop() as shop:
            return {shop.catalogue.ids[row] for row in knowledge.hidden(keys)}

    on_device = replace(world.said("x", Kind.HIDDEN, "beer", "soap"), shopper="visitor:v")
    feed(world.event(on_device, "1"), world.event(world.said("ann", Kind.HIDDEN, "milk"), "2"))
    assert hidden("user:ann", "visitor:v") == {"milk", "beer", "soap"}
    assert hidden("user:ann") == {"milk"}
    feed(world.event(replace(world.said("ann", Kind.UNHIDDEN, "milk", "beer"), device="visitor:v"), "3"))
    assert hidden("user:ann", "visitor:v") == {"soap"}
    assert hidden("user:nobody") == hidden() == set()


def test_what_lists_showed_is_counted_and_fades(fed):
    knowledge, feed = fed
    days = 24 * 3
    feed(
        world.event(world.said("ann", Kind.SHOWN, "milk", "beer", hours=0), "1"),
        world.event(world.said("ann", Kind.SHOWN, "milk", hours=days), "2"),
    )
    with knowledge.shop() as shop:
        shown = knowledge.shown(["user:nobody", "user:ann"])
        found = {
            shop.catalogue.ids[row]: (int(times), round(float(recent), 3), float(last))
            for row, times, recent, last in zip(
                shown.rows, shown.times, shown.recent(), shown.last, strict=True
            )
        }
    assert found == {"milk": (2, 1.5, world.at(days)), "beer": (1, 0.5, world.at(0))}
    assert len(knowledge.shown(["user:bob"])) == 0


def test_growth_and_newness_go_by_the_time_of_what_happened(fed):
    knowledge, feed = fed
    month = 24 * 30
    old = [world.event(world.bought("a", "milk", hours=h), f"o{h}") for h in range(60)]
    late = [world.event(world.bought("a", "salsa", hours=3 * month + h), f"l{h}") for h in range(20)]
    feed(*(world.change(product) for product in world.PRODUCTS), *old, *late)
    with knowledge.shop() as shop:
        milk, salsa, soap = shop.catalogue.rows(["milk", "salsa", "soap"])
        popular = shop.popular
        assert popular.growth[salsa] > 1.2 > 1 > popular.growth[milk]
        assert popular.growth[soap] == 1
        assert popular.latest == world.at(3 * month + 19)
        assert popular.since[[milk, salsa]].tolist() == [world.at(0), world.at(3 * month)]
        assert popular.since[soap] == (world.START + timedelta(days=365)).timestamp()


def popular_in(knowledge: Knowledge, segment: str) -> list[str]:
    """The two most popular products of a segment."""
    with knowledge.shop() as shop:
        there = shop.popular.within(segment)
        return [shop.catalogue.ids[row] for row in there.best(np.ones(len(shop.catalogue), bool), 2)]


def test_a_segment_has_its_own_order_once_enough_was_bought_there(fed: tuple[Knowledge, Feed]):
    knowledge, feed = fed
    feed(*(world.change(product) for product in world.PRODUCTS))
    everywhere = [world.bought(f"u{n}", "bread", hours=n) for n in range(30)]
    there = [replace(world.bought(f"v{n}", "soap", hours=n), segment="harbour") for n in range(20)]
    feed(*(world.event(signal, f"m{n}") for n, signal in enumerate(everywhere + there)))
    assert popular_in(knowledge, "") == popular_in(knowledge, "hills") == ["bread", "soap"]
    assert popular_in(knowledge, "harbour") == ["bread", "soap"]  # twenty purchases prove little
    more = [replace(world.bought(f"w{n}", "soap", hours=n), segment="harbour") for n in range(20)]
    others = [world.bought(f"x{n}", "bread", hours=n) for n in range(100)]
    feed(*(world.event(signal, f"n{n}") for n, signal in enumerate(more + others)))
    assert popular_in(knowledge, "") == ["bread", "soap"]
    taken_back = [replace(world.refunded(f"w{n}", "soap", hours=n), segment="harbour") for n in range(20)]
    assert len(popular_in(knowledge, "harbour")) == 2
    with knowledge.shop() as shop:
        soap = shop.catalogue.row("soap")
        before = float(shop.popular.within("harbour").share[soap])
        assert before > shop.popular.share[soap]
    feed(*(world.event(signal, f"r{n}") for n, signal in enumerate(taken_back)))
    with knowledge.shop() as shop:
        assert float(shop.popular.within("harbour").share[soap]) < before


def test_segments_named_too_late_count_in_the_whole_shop_alone(fed: tuple[Knowledge, Feed]):
    knowledge, feed = fed
    feed(*(world.change(product) for product in world.PRODUCTS))
    orders = [
        replace(world.bought(f"u{n}", "soap", hours=n), segment=f"s{n}") for n in range(MOST_SEGMENTS + 3)
    ]
    feed(*(world.event(signal, f"m{n}") for n, signal in enumerate(orders)))
    with knowledge.shop() as shop:
        assert len(shop.popular.segments) == MOST_SEGMENTS
        assert shop.popular.within("s0") is not shop.popular
        assert shop.popular.within(f"s{MOST_SEGMENTS}") is shop.popular
