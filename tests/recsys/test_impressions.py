"""Rankers that learn from lists shown: what is joined, how positions mislead, and that it is put right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from aisle.events.v1 import event_pb2

from services.gateway.domain.attribution import Attribution
from services.kit.lambdamart import LambdaMart
from services.kit.log import EVENTS, Entry
from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.progress import silent
from services.recsys.adapters import model_files, ranker
from services.recsys.config import Config
from services.recsys.domain.catalogue import Product
from services.recsys.domain.exploration.responses import SKEW, WINDOW, Done
from services.recsys.domain.features import NAMES
from services.recsys.domain.impressions import DEEPEST, Impression, Viewed, join
from services.recsys.domain.pages import Page, worth
from services.recsys.teaching import examined
from services.recsys.train import train
from tests.recsys import world

HOME = "home.picked-for-you"
SHOWN = Viewed("r1", HOME, "user:ann", 1000.0, [("milk", 1), ("oat", 2), ("soap", 0)])


def test_a_list_is_joined_with_what_was_taken_of_it():
    done = [Done("r1", "oat", 1200.0), Done("r2", "milk", 1200.0), Done("r1", "beer", 1200.0)]
    (found,) = join([SHOWN], done)
    assert (found.shopper, found.mix, found.products) == ("user:ann", "home", ["milk", "oat", "soap"])
    assert found.positions.tolist() == [1, 2, 3]
    assert found.taken.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("time", "taken"),
    [(1000 - SKEW, True), (999 - SKEW, False), (1000 + WINDOW, True), (1001 + WINDOW, False)],
)
def test_a_response_counts_within_a_day(time: float, taken: bool):
    assert join([SHOWN], [Done("r1", "milk", time)])[0].taken.any() == taken


def test_a_list_counts_once_and_only_if_a_mix_filled_it():
    again, other = replace(SHOWN, time=2000.0), replace(SHOWN, list_id="search.results")
    repeated = replace(SHOWN, request_id="r2", time=1.0, items=[("milk", 900), ("milk", 2)])
    for events in ([again, SHOWN, other, repeated], [repeated, other, SHOWN, again]):
        first, second = join(events, [])
        assert (first.time, second.time) == (1.0, 1000.0)
        assert first.positions.tolist() == [DEEPEST]


def clicker(lists: int, seed: int) -> list[Impression]:
    """Twenty products, liked with chances of .05 to .6; those liked least mostly stand first.

    A position p is looked at with chance p ** -0.7.
    """
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(lists):
        order = np.argsort(np.arange(20) + draw.normal(0, 8, 20))[:10]
        looked = draw.random(10) < np.arange(1, 11) ** -0.7
        taken = looked & (draw.random(10) < liked()[order])
        names = [f"p{number}" for number in order]
        found.append(Impression("user:x", "home", 0.0, names, np.arange(1, 11), taken))
    return found


def liked() -> np.ndarray:
    return np.linspace(0.05, 0.6, 20)


def test_how_much_each_position_is_looked_at_is_told_from_the_lists():
    looked = examined(clicker(4000, seed=0))
    assert looked[:10] == pytest.approx(np.arange(1, 11) ** -0.7, abs=0.08)
    assert examined([])[:3] == pytest.approx([1, 2**-0.5, 3**-0.5])


def page(one: Impression) -> Page:
    """The only telling features: how liked, and what the shop shows first."""
    number = np.array([int(name[1:]) for name in one.products])
    features = np.zeros((len(number), len(NAMES)), np.float32)
    features[:, NAMES.index("price")] = number
    return Page(features, -number.astype(float), one.positions, one.taken)


def test_a_ranker_that_knows_of_positions_finds_the_true_order():
    lists = clicker(600, seed=1)
    pages = [found for found in map(page, lists) if found.taken.any()]
    examples = [(found.features, found.taken) for found in pages]
    told = ranker.learn(examples, [found.positions for found in pages])
    naive = ranker.learn(examples)
    every = np.zeros((20, len(NAMES)), np.float32)
    every[:, NAMES.index("price")] = np.arange(20)

    def agreement(learnt: LambdaMart) -> float:
        return float(np.corrcoef(np.argsort(np.argsort(learnt.score(every))), np.arange(20))[0, 1])

    assert agreement(told) > 0.85
    assert agreement(told) > agreement(naive) + 0.05


def test_an_order_is_not_worth_more_for_being_shown():
    class ByLiking:
        def score(self, features):
            return features[:, NAMES.index("price")].astype(np.float64)

        def text(self) -> str:
            return ""

    pages = [page(one) for one in clicker(600, seed=2)]
    blind = np.ones(DEEPEST)
    shown, true = worth(pages, blind, None), worth(pages, blind, ByLiking())
    looked = examined(clicker(600, seed=3))
    assert worth(pages, looked, ByLiking()) / worth(pages, looked, None) > true / shown
    assert worth(pages, looked, ByLiking()) > worth(pages, looked, None)
    assert worth([], looked, None) == 0


def shop_events(lists: int) -> list[Entry]:
    """Shoppers who order on two days; then strangers, each shown the ten things of the shop in random order.

    They click the dearest one of those that they look at.
    """
    draw = np.random.default_rng(0)
    events = [world.event(world.bought(f"old{n}", f"p{n % 10}", hours=n), f"o{n}") for n in range(100)]
    for n in range(lists):
        token = Attribution(f"r{n}", "home", 0, ()).token()
        order = draw.permutation(10).tolist()
        looked = [at for at in range(10) if draw.random() < (at + 1) ** -0.7] or [0]
        best = max(looked, key=lambda at: price(order[at]))
        events += [
            listed(n, token, order),
            clicked(n, token, order[best]),
        ]
    return events


def price(number: int) -> int:
    """Unlike what is popular in the shop."""
    return (number * 7 % 10 + 1) * 1_000_000


def listed(n: int, token: str, order: list[int]) -> Entry:
    message = event_pb2.Event(
        message_id=f"l{n}",
        type=event_pb2.EVENT_TYPE_PRODUCT_LIST_VIEWED,
        visitor_id=f"v{n}",
        attribution_token=token,
        list_id=HOME,
    )
    message.event_time.FromNanoseconds(int(world.at(99.5) * 1e9))
    for at, number in enumerate(order, 1):
        message.product_details.add(product_id=f"p{number}", position=at)
    return Entry(EVENTS, message.message_id, message.SerializeToString())


def clicked(n: int, token: str, number: int) -> Entry:
    message = event_pb2.Event(
        message_id=f"c{n}",
        type=event_pb2.EVENT_TYPE_PRODUCT_CLICKED,
        visitor_id=f"v{n}",
        attribution_token=token,
    )
    message.event_time.FromNanoseconds(int(world.at(99.6) * 1e9))
    message.product_details.add(product_id=f"p{number}")
    return Entry(EVENTS, message.message_id, message.SerializeToString())


@pytest.mark.parametrize(("lists", "told"), [(240, "lists shown"), (60, "none pays")])
async def test_training_learns_from_lists_when_there_are_enough(tmp_path: Path, lists: int, told: str):
    log = MemoryLog()
    shelf = [Product(f"p{n}", f"Thing {n}", "", ("Food > Things",), "USD", price(n)) for n in range(10)]
    await log.append([*(world.change(one) for one in shelf), *shop_events(lists)])
    report = await train(Config(home=tmp_path), progress=silent, log=log)
    assert report["span"]["ranker of home"].endswith(told)
    served = ModelStore(tmp_path, "recsys").current()
    assert served is not None
    assert ("home" in model_files.load(served.path).rankers) == (told == "lists shown")
