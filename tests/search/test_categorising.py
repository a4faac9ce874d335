"""Categories of queries learnt from clicks, against a clicker whose taste and eyes are known."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from services.kit.log import Entry
from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.progress import Metric, silent
from services.search.adapters.click_log import read_lists
from services.search.adapters.served_categories import SERVICE, ServedCategories, categories_store, write
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.categorising import clicked, teach, voted
from services.search.config import Config
from services.search.domain.categories import Clicks, Learnt, strength_of
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.train import train
from tests.search.shop import clicks_of, product, shop_database, upsert

THINGS = [f"thing{number}" for number in range(30)]
SHOP = [
    product(f"{thing}-{place}", thing, f"Toys > {thing}" if place < 6 else f"Garden > {thing}")
    for thing in THINGS
    for place in range(10)
]
"""Ten products of each kind: the first six, so most of the answer's votes, are toys."""


def clicks(lists: int, *, taste: bool) -> list[Entry]:
    """Shoppers who look at position p with chance 1 / p: of every second thing they want those of the garden,
    or they take all alike. Lists stand about as the shop orders them."""
    draw, made = np.random.default_rng(7), list[Entry]()
    for number in range(lists):
        which = number % len(THINGS)
        order = np.argsort(np.arange(10) + draw.normal(0, 3, 10))
        wanted = (order >= 6) if which % 2 else (order < 6)
        attraction = np.where(wanted, 0.8, 0.1) if taste else np.full(10, 0.4)
        taken = draw.random(10) < attraction / np.arange(1, 11)
        names = [f"{THINGS[which]}-{place}" for place in order]
        hit = [name for name, one in zip(names, taken, strict=True) if one]
        made += clicks_of(number, THINGS[which], names, hit)
    return made


async def taught(home: Path, entries: list[Entry]) -> tuple[Learnt, Mapping[str, Metric], Mapping[str, str]]:
    """What the clicks tell, its figures, and the surest category of each thing once it serves."""
    log = MemoryLog()
    await log.append(entries)
    shown = await read_lists(log, silent)
    with shop_database(home, list(map(upsert, SHOP))) as database:
        lexicon, catalogue = SqliteLexicon(database), TantivyCatalogue(database)
        found = clicked(shown, lexicon)
        searcher = Searcher(catalogue, lambda: None, lexicon)
        learnt, metrics = teach(found, voted(searcher, lexicon, found, silent))
        served = Searcher(catalogue, lambda: None, lexicon, learnt=lambda: learnt)
        return (
            learnt,
            metrics,
            {thing: served.search(Request(thing)).categories[0].path.split(" > ")[0] for thing in THINGS},
        )


async def test_clicks_teach_what_shoppers_mean_and_an_answer_what_nobody_clicked(tmp_path: Path) -> None:
    learnt, metrics, told = await taught(tmp_path, clicks(1_500, taste=True))
    assert metrics["gain"]["low"] is not None
    assert metrics["gain"]["low"] > 0.1
    assert [told[thing] for thing in THINGS] == ["Toys", "Garden"] * 15
    votes = {"Toys > lamp": 0.7}
    assert learnt.shares("lamp", votes) is votes


async def test_clicks_that_only_follow_positions_change_nothing(tmp_path: Path) -> None:
    _, metrics, _ = await taught(tmp_path, clicks(1_500, taste=False))
    assert metrics["gain"]["low"] is not None
    assert metrics["gain"]["low"] <= 0


async def test_too_few_clicks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="clicks after searches on products that have a category: 300 are needed"
    ):
        await taught(tmp_path, clicks(60, taste=True))
    with pytest.raises(ValueError, match="no encoder"):
        await train(Config(home=tmp_path), progress=silent, learn="categories", log=MemoryLog())


def test_a_share_lies_between_the_answers_and_the_clicks() -> None:
    learnt = Learnt(10.0, {"lamp": Clicks(30.0, {"Garden": 30.0})})
    assert learnt.shares("lamp", {"Toys": 0.8, "Garden": 0.2}) == pytest.approx({"Toys": 0.2, "Garden": 0.8})


@pytest.mark.parametrize("strength", [3.0, 30.0])
def test_the_strength_is_the_one_that_clicks_were_drawn_with(strength: float) -> None:
    draw, cases = np.random.default_rng(11), []
    for _ in range(400):
        share = draw.uniform(0.1, 0.9)
        inside = draw.binomial(20, draw.beta(strength * share, strength * (1 - share)))
        cases.append((Clicks(20.0, {"a": float(inside)}), {"a": share}))
    assert strength_of(cases) == pytest.approx(strength, rel=0.4)


def test_what_was_written_is_loaded(tmp_path: Path) -> None:
    learnt = Learnt(2.5, {"灯": Clicks(3.0, {"Garden > Lamps": 2.0})})
    model = categories_store(tmp_path).create(lambda folder: write(learnt, folder), metrics={}, span={})
    served = ServedCategories()
    served.load(model)
    assert served.learnt == learnt
    assert ModelStore(tmp_path, SERVICE).current() == model
