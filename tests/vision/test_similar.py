"""Which products are answered: each once, filtered, in an order that is the same each time."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from services.vision.domain.errors import InvalidValue, MixedCurrencies, TooManyItems
from services.vision.domain.product import Filter, Price, Product
from services.vision.domain.similar import similar

MILK = Product("milk", ("Grocery > Dairy > Milk",), "Farm", Price("USD", 2_000_000))
KEFIR = Product("kefir", ("Grocery > Dairy",), "FARM", Price("USD", 4_000_000), purchasable=False)
SOAP = Product("soap", ("Household",), "Clean", None)
HITS = [("a", 0.9), ("b", 0.8), ("c", 0.8), ("d", 0.1)]
SHOWN = {"a": [MILK], "b": [SOAP, MILK], "c": [KEFIR], "d": [SOAP]}


def ask(wanted: Filter, count: int = 10) -> list[tuple[str, float]]:
    found = similar(lambda n: HITS[:n], lambda keys: {key: SHOWN[key] for key in keys}, None, wanted, count)
    return [(one.product_id, one.similarity) for one in found]


def test_each_product_once_by_its_best_picture_and_ties_by_id() -> None:
    assert ask(Filter()) == [("milk", 0.9), ("kefir", 0.8), ("soap", 0.8)]
    assert ask(Filter(), 2) == [("milk", 0.9), ("kefir", 0.8)]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Filter(categories=("Grocery > Dairy",)), ["milk", "kefir"]),
        (Filter(categories=("Grocery > Dair",)), []),
        (Filter(brands=("farm",)), ["milk", "kefir"]),
        (Filter(in_stock_only=True), ["milk", "soap"]),
        (Filter(max_price=Price("USD", 2_000_000)), ["milk"]),
        (Filter(min_price=Price("USD", 2_000_001)), ["kefir"]),
        (Filter(min_price=Price("EUR", 0)), []),
    ],
)
def test_filters(wanted: Filter, ids: list[str]) -> None:
    assert [product_id for product_id, _ in ask(wanted)] == ids


def test_many_near_pictures_of_one_product_do_not_hide_the_next() -> None:
    hits = [(f"m{i}", 0.9) for i in range(500)] + [("s", 0.5)]
    shown = {key: [SOAP if key == "s" else MILK] for key, _ in hits}
    found = similar(lambda n: hits[:n], lambda keys: {key: shown[key] for key in keys}, None, Filter(), 2)
    assert [one.product_id for one in found] == ["milk", "soap"]


def test_variants_and_products_with_one_picture_are_told_once() -> None:
    small, large = Product("milk small", primary="milk"), Product("milk large", primary="milk")
    copy, other = Product("copy"), Product("other")
    hits = [("a", 0.9), ("b", 0.8), ("b2", 0.79), ("c", 0.7), ("d", 0.6)]
    shown = {"a": [small], "b": [other], "b2": [copy], "c": [large], "d": [SOAP]}
    grey = {"a": 0, "b": 100, "b2": 104, "c": 200, "d": np.nan, "b3": np.nan}

    def rows(keys: Sequence[str]) -> np.ndarray:
        return np.array([[grey[key]] * 432 for key in keys], np.float32)

    def find(
        rows: Callable[[Sequence[str]], np.ndarray] | None, count: int
    ) -> list[tuple[str, tuple[str, ...]]]:
        found = similar(
            lambda n: hits[:n], lambda keys: {key: shown[key] for key in keys}, rows, Filter(), count
        )
        return [(one.product_id, one.duplicates) for one in found]

    assert find(rows, 9) == [("milk small", ("milk large",)), ("other", ("copy",)), ("soap", ())]
    assert [each for each, _ in find(rows, 2)] == ["milk small", "other"]
    assert [each for each, _ in find(None, 9)] == ["milk small", "other", "copy", "milk large", "soap"]


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (Filter(min_price=Price("USD", 1), max_price=Price("EUR", 2)), MixedCurrencies),
        (Filter(min_price=Price("USD", 2), max_price=Price("USD", 1)), InvalidValue),
        (Filter(min_price=Price("USD", -1)), InvalidValue),
        (Filter(brands=("x",) * 101), TooManyItems),
    ],
)
def test_filters_that_make_no_sense(wanted: Filter, error: type[Exception]) -> None:
    with pytest.raises(error):
        wanted.check()
