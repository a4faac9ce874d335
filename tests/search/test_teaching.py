"""Learning to rank from clicks, against a clicker whose taste and eyes are known."""

from pathlib import Path

import numpy as np
import pytest
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2

from services.kit.examination import examination
from services.kit.log import Entry
from services.kit.memory_log import MemoryLog
from services.kit.progress import silent
from services.search.adapters.click_log import read_catalogue, read_lists
from services.search.adapters.row_signals import signals_of
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.config import Config
from services.search.domain.clicks import DEEPEST, Shown
from services.search.domain.ordering import Ordering
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.teaching import Taught, ranked, teach
from services.search.train import train
from tests.search.shop import BEGIN, clicks_of, delete, event, product, shop_database, upsert

KINDS = [
    f"{colour} {thing}"
    for colour in ("red", "blue", "green", "white")
    for thing in ("lamp", "cup", "hat", "rug", "bag", "pen")
]
PRICES = np.arange(1, 11) * 10.0


def shop() -> list[product_pb2.Product]:
    """Ten equal products of each kind; those of the lowest id cost most."""
    return [
        product(f"{kind}-{place}", kind, price=float(PRICES[9 - place]))
        for kind in KINDS
        for place in range(10)
    ]


def clicks(lists: int, taste: bool) -> list[Entry]:
    """Shoppers who look at position p with chance 1 / p, and click the cheap far more, or all alike.

    Lists stand about as the shop orders them: dear ones first.
    """
    draw, made = np.random.default_rng(5), list[Entry]()
    for number in range(lists):
        kind = KINDS[number % len(KINDS)]
        order = np.argsort(np.arange(10) + draw.normal(0, 3, 10))
        attraction = np.where(order >= 5, 0.8, 0.1) if taste else np.full(10, 0.4)
        taken = draw.random(10) < attraction / np.arange(1, 11)
        names = [f"{kind}-{place}" for place in order]
        made += clicks_of(number, kind, names, [n for n, hit in zip(names, taken, strict=True) if hit])
    return made


async def taught(home: Path, entries: list[Entry]) -> tuple[Taught, list[Shown], list[str]]:
    """The ranker of these clicks, the lists, and how it orders a kind."""
    log = MemoryLog()
    await log.append([*map(upsert, shop()), *entries])
    shown = await read_lists(log, silent)
    with shop_database(home, list(map(upsert, await read_catalogue(log, silent)))) as database:
        signals, catalogue, lexicon = (
            signals_of(database),
            TantivyCatalogue(database),
            SqliteLexicon(database),
        )
        lists = ranked(Searcher(catalogue, lambda: None, lexicon), signals, shown, silent)
        found = teach(lists, shown, None)
        ordering = Ordering(signals, lambda: found.ranker)
        served = Searcher(catalogue, lambda: None, lexicon, ordering=ordering, now=lambda: BEGIN)
        page = served.search(Request("red lamp", page_size=10))
        assert all(one.score == pytest.approx(sum(one.parts)) for one in page.results)
        return found, shown, [one.product_id for one in page.results]


async def test_clicks_teach_what_shoppers_want_and_not_where_it_stood(tmp_path: Path) -> None:
    found, shown, order = await taught(tmp_path, clicks(4_000, taste=True))
    assert found.better
    cheap = {f"red lamp-{place}" for place in range(5, 10)}
    assert set(order[:5]) == cheap
    looked = examination([(o.listed.products, o.listed.positions, o.wanted > 0) for o in shown], DEEPEST)
    assert looked[:5] == pytest.approx(1 / np.arange(1, 6), abs=0.12)


async def test_clicks_that_only_follow_positions_change_nothing(tmp_path: Path) -> None:
    found, _, _ = await taught(tmp_path, clicks(4_000, taste=False))
    assert not found.better


async def test_lists_are_joined_by_token_once_and_know_only_what_sold_before() -> None:
    searched, viewed = event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED, event_pb2.EVENT_TYPE_PRODUCT_LIST_VIEWED
    ordered, clicked = event_pb2.EVENT_TYPE_ORDER_COMPLETED, event_pb2.EVENT_TYPE_PRODUCT_CLICKED
    log = MemoryLog()
    await log.append(
        [
            event(0, "", "other", ["b"], ordered),
            event(1, "tea", "r", [], searched),
            event(2, "", "r", ["a", "b"], viewed),
            event(3, "", "r", ["a", "b"], viewed),
            event(4, "", "r", ["a"], clicked),
            event(5, "", "r", ["a"], ordered),
            event(6, "", "no query", ["a"], viewed),
        ]
    )
    [shown] = await read_lists(log, silent)
    assert (shown.listed.query, list(shown.listed.products)) == ("tea", ["a", "b"])
    assert shown.wanted.tolist() == [3, 0]
    assert shown.listed.popularity.tolist() == [0, 1]


async def test_the_catalogue_is_read_as_it_is_now() -> None:
    log = MemoryLog()
    await log.append([upsert(product("a", "A")), upsert(product("b", "B")), delete("a")])
    assert [one.id for one in await read_catalogue(log, silent)] == ["b"]


async def test_too_few_lists_and_unknown_lessons_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lists of searches with a click"):
        await taught(tmp_path, clicks(20, taste=True))
    with pytest.raises(ValueError, match="encoder, ranking or categories"):
        await train(Config(home=tmp_path), progress=silent, learn="poems")
    with pytest.raises(ValueError, match="no encoder"):
        await train(Config(home=tmp_path), progress=silent, learn="ranking", log=MemoryLog())
