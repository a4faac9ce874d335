"""The suite of the Knowledge port: the SQLite view and the one in memory say the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from services.kit.log import Entry
from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.adapters.messages import change_of, signal_of
from services.recsys.adapters.view import RecsysView
from services.recsys.domain.ports import Knowledge
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
                    memory.put(product) if product else memory.remove(product_id)
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
        assert shop.links is not None
        rows, near = shop.links.of(shop.catalogue.row("milk"))
        assert {shop.catalogue.ids[row] for row in rows} == {"cereal", "bread"}
        assert (near > 0).all()
        assert len(shop.links.of(shop.catalogue.row("soap"))[0]) == 0
