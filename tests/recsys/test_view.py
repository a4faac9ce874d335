"""The view comes back the same: killed anywhere, rebuilt from nothing, in batches of any size."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.kit.log import CATALOG, EVENTS
from services.recsys.adapters.view import RecsysView
from services.recsys.domain.context import Asked
from services.recsys.domain.filters import EVERYTHING
from services.recsys.domain.placements import Placement
from services.recsys.domain.recommend import recommend
from services.recsys.domain.signals import Kind
from tests.recsys import builder, world


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of a view that nobody disturbed."""
    return builder.build(tmp_path_factory.mktemp("undisturbed") / "view.db", 500)


def test_killed_at_random_points_it_comes_back_to_the_same_view(tmp_path: Path, undisturbed: str):
    draw, kills = random.Random(3), 0
    path = tmp_path / "view.db"
    command = [sys.executable, "-m", "tests.recsys.builder", str(path), "20"]
    while True:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "building\n"
        try:
            out, _ = process.communicate(timeout=draw.uniform(0.001, 0.1) if kills < 6 else 60)
            break
        except subprocess.TimeoutExpired:
            kills += 1
            process.kill()
            process.communicate()
    assert out.strip() == undisturbed
    assert kills == 6


@pytest.mark.parametrize("size", [1, 37, 10_000])
def test_batches_of_any_size_and_streams_in_any_order_give_the_same_view(tmp_path, undisturbed, size):
    assert builder.build(tmp_path / "view.db", size, (CATALOG, EVENTS)) == undisturbed


def test_cleared_and_rebuilt_it_is_the_same(tmp_path: Path, undisturbed: str):
    path = tmp_path / "view.db"
    builder.build(path, 500)
    view = RecsysView(path)
    view.use(world.model(), "m1")
    view.clear()
    assert view.position(EVENTS) == view.position(CATALOG) == 0
    with view.shop() as shop:
        assert shop.version == "m1"
    view.close()
    assert builder.build(path, 500) == undisturbed


def test_reopened_it_answers_as_before(tmp_path: Path):
    def answers(view: RecsysView) -> list[object]:
        asked = Asked(("user:ann",), context=["milk"])
        return [recommend(view, place, asked, EVERYTHING, (), 24) for place in Placement]

    view = RecsysView(tmp_path / "view.db", refresh_seconds=0)
    view.apply(world.records(world.entries()[: len(world.PRODUCTS)]))
    view.apply(world.records(world.entries()[len(world.PRODUCTS) :]))
    before = answers(view)
    view.close()
    again = RecsysView(tmp_path / "view.db")
    assert [a.products and a.products[0].product_id for a in answers(again)] == [
        a.products and a.products[0].product_id for a in before
    ]
    assert [sorted(p.product_id for p in a.products) for a in answers(again)] == [
        sorted(p.product_id for p in a.products) for a in before
    ]
    again.close()


def test_restarted_and_beside_a_second_replica_it_knows_the_same_of_a_visit(tmp_path: Path):
    visit = [
        replace(world.viewed("x", product, hours=h), shopper="visitor:v", session="session:s")
        for h, product in enumerate(("chips", "salsa", "chips"))
    ]
    hides = [
        replace(world.said("x", kind, "soap"), shopper="visitor:v") for kind in (Kind.HIDDEN, Kind.SHOWN)
    ]
    events = world.records([world.event(signal, str(n)) for n, signal in enumerate([*visit, *hides])])

    def known(view: RecsysView) -> list[object]:
        with view.shop() as shop:
            ids = np.array([*shop.catalogue.ids, ""])
            past, shown = view.past(["visitor:v"], "s"), view.shown(["visitor:v"])
            columns = past.items, view.session("s").items, view.hidden(["visitor:v"]), shown.rows
            return [ids[column].tolist() for column in columns] + [past.times.tolist(), shown.last.tolist()]

    first, second = RecsysView(tmp_path / "a.db"), RecsysView(tmp_path / "b.db")
    first.apply(events)
    for record in events:
        second.apply([record])
    second.apply(world.records([world.change(product) for product in world.PRODUCTS]))
    told = known(first)
    assert told[:4] == [["chips", "salsa", "chips"], ["chips", "salsa", "chips"], ["soap"], ["soap"]]
    first.close()
    again = RecsysView(tmp_path / "a.db")
    assert known(again) == known(second) == told
    again.close()
    second.close()


def test_what_cannot_be_read_is_skipped_and_counted(tmp_path: Path):
    view = RecsysView(tmp_path / "view.db")
    entries = world.change(world.PRODUCTS[0]), world.event(world.bought("a", "milk"), "1")
    for stream, good in zip((CATALOG, EVENTS), entries, strict=True):
        bad, empty = world.records([good, good], 2)
        bad = type(bad)(stream, 2, "k", b"\xff\xff", bad.time)
        empty = type(empty)(stream, 3, "k", b"", empty.time)
        view.apply([*world.records([good]), bad, empty])
        assert view.position(stream) == 3
    assert view.unreadable == 3  # an empty event says nothing, an empty change is none
    with view.shop() as shop:
        assert shop.catalogue.rows(["milk"])
        assert len(view.taste(["user:a"])) == 1
    view.close()
