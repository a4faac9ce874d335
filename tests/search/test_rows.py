"""Counts by row are those of plain Python over the shop, however rows came, went, were sealed and found."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from aisle.catalog.v1 import product_pb2

from services.search.adapters.embedded_index import EmbeddedIndex
from services.search.adapters.row_table import LAYOUT
from services.search.adapters.sqlite_view import SearchDatabase, SearchView, open_database
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.adapters.words_index import rows
from services.search.domain.ports import Wanted
from services.search.domain.request import Filter
from tests.search.shop import IN, OUT, delete, product, records, upsert

WORDS, BRANDS, COLOURS = ("tea", "milk", "cocoa"), ("Acme", "Bell", "Corn"), ("red", "blue")
LEAST = 8


class Shop:
    """The engine over a shop that changes, and the products that should be there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.products: dict[str, product_pb2.Product] = {}
        self.sequence = 0
        self.open()

    def open(self) -> None:
        self.database: SearchDatabase = open_database(self.home, lambda folder: EmbeddedIndex(folder, LEAST))

    @property
    def index(self) -> EmbeddedIndex:
        index = self.database.index
        assert isinstance(index, EmbeddedIndex)
        return index

    def change(self, come: list[product_pb2.Product], gone: list[str] | None = None) -> None:
        entries = [*map(upsert, come), *map(delete, gone or [])]
        made = [replace(one, sequence=self.sequence + one.sequence) for one in records(entries)]
        SearchView(self.database).apply(made)
        self.sequence += len(entries)
        self.products |= {one.id: one for one in come}
        for product_id in gone or []:
            self.products.pop(product_id, None)

    def check(self) -> None:
        every = list(self.products.values())
        with TantivyCatalogue(self.database).look() as shelf:
            assert shelf.count(Wanted()) == len(every)
            for word in WORDS:
                having = [one for one in every if word in one.title]
                wanted = Wanted(((word,),))
                assert shelf.count(wanted) == len(having) == len(shelf.ranked(wanted, 999))
                told = shelf.facets(("brand", "category", "attributes.colour"), wanted, 50)
                assert dict(told["brand"]) == Counter(one.brand for one in having)
                assert dict(told["category"]) == Counter(one.categories[0] for one in having)
                colours = (value for one in having for value in one.attributes["colour"].texts)
                assert dict(told["attributes.colour"]) == Counter(colours)
            cheap = Wanted(filter=Filter(currency="USD", maximum=5_000_000, in_stock_only=True))
            right = [one for one in every if one.price.amount_micros < 5_000_000 and one.availability == IN]
            assert shelf.count(cheap) == len(right)


def some(dice: np.random.Generator, count: int) -> list[product_pb2.Product]:
    found = []
    for number in dice.integers(0, 40, count).tolist():
        words = " ".join(dice.choice(WORDS, 2))
        stock = IN if dice.random() < 0.7 else OUT
        brand = str(dice.choice(BRANDS))
        one = product(f"p{number}", words, f"C{number % 3}", brand, number % 9 + 0.5, stock)
        one.attributes["colour"].texts.extend({str(colour) for colour in dice.choice(COLOURS, 2)})
        found.append(one)
    return list({one.id: one for one in found}.values())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.database.close()


def test_counts_are_right_while_segments_are_made_and_swapped(shop: Shop) -> None:
    dice = np.random.default_rng(0)
    for step in range(30):
        shop.change(some(dice, 6), [f"p{number}" for number in dice.integers(0, 40, 2).tolist()])
        if step % 3 == 0:
            shop.index.rows.settle()  # otherwise it may be made beside what follows
        shop.check()
    folders = [child.name for child in (shop.home / "search" / "rows" / str(LAYOUT)).iterdir()]
    assert max(map(int, folders)) > 1, "more than one generation was sealed"


def test_what_was_not_sealed_is_found_again_after_a_kill(shop: Shop) -> None:
    dice = np.random.default_rng(1)
    for _ in range(5):
        shop.change(some(dice, 12))
        shop.index.rows.settle()
    shop.change(some(dice, 5), ["p1", "p2", "p3"])
    shop.open()  # the process before is not closed, as if it had been killed
    shop.check()


def test_what_a_batch_that_failed_changed_is_forgotten(shop: Shop) -> None:
    shop.change([product("a", "tea", "C", "Acme", 1.0), product("b", "milk", "C", "Acme", 1.0)])

    def failed() -> None:
        with shop.database.batch([]) as connection:
            document = connection.execute("SELECT document FROM products WHERE id = 'a'").fetchone()[0]
            shop.index.replace([document], rows(connection, [document]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failed()
    shop.change([product("c", "cocoa", "C", "Acme", 1.0)])
    shop.check()


def test_a_view_of_another_log_leaves_nothing_behind(shop: Shop) -> None:
    shop.change([product("a", "tea", "C", "Acme", 1.0)])
    SearchView(shop.database).clear()
    shop.products.clear()
    shop.sequence = 0
    shop.change([product("b", "milk", "C", "Bell", 1.0)])
    shop.check()
