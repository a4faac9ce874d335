"""The products that may be answered, as columns: one row a product, numbered once and for all.

This is the one place where product ids become dense rows. Ids of events and models get a row too, which
stays dead until the catalogue brings the product, and turns dead again when the product is deleted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.filters import Filter

LEVELS = " > "
SHELF_LEVELS = 2
"""A product's shelf is its main category down to this level: "Grocery > Dairy"."""

NO_PRICE = -1


@dataclass(frozen=True, slots=True)
class Product:
    """What recommending needs to know of a product; price in micros, NO_PRICE when it has none."""

    id: str
    title: str
    brand: str = ""
    categories: tuple[str, ...] = ()
    currency: str = ""
    price: int = NO_PRICE
    in_stock: bool = True


class Catalogue:
    """Columns over rows. Not safe for threads: whoever shares it holds a lock."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._rows: dict[str, int] = {}
        self._products: list[Product | None] = []
        self._codes: dict[str, int] = {"": 0}  # of category paths, brands and currencies alike
        self._above: list[int] = [0]  # the shelf of a category's code, also a code
        self._below: dict[str, list[int]] = {}  # the codes of a category path and of all below it
        self._names: list[str] = [""]
        self._alive = np.zeros(1024, bool)
        self._in_stock = np.zeros(1024, bool)
        self._price = np.full(1024, NO_PRICE, np.int64)
        self._currency = np.zeros(1024, np.int32)
        self._brand = np.zeros(1024, np.int32)
        self._categories = np.zeros((1024, 1), np.int32)
        self._shelf = np.zeros(1024, np.int32)

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, product_id: str) -> int:
        """The row of an id, a new dead one when it was never seen."""
        row = self._rows.get(product_id)
        if row is None:
            row = self._rows[product_id] = len(self.ids)
            self.ids.append(product_id)
            self._products.append(None)
            if row == len(self._alive):
                self._grow()
        return row

    def rows(self, product_ids: Iterable[str]) -> list[int]:
        """The rows of those ids that are in the catalogue now, in order."""
        found = (self._rows.get(product_id, -1) for product_id in product_ids)
        return [row for row in found if row >= 0 and self._alive[row]]

    def product(self, row: int) -> Product:
        """The product of a living row."""
        product = self._products[row]
        assert product is not None, "a dead row was answered"
        return product

    def upsert(self, product: Product) -> None:
        """Takes a product as it is from now on."""
        row = self.row(product.id)
        self._products[row] = product
        codes = [self._category(path) for path in product.categories]
        if len(codes) > self._categories.shape[1]:
            wider = np.zeros((len(self._alive), len(codes)), np.int32)
            wider[:, : self._categories.shape[1]] = self._categories
            self._categories = wider
        self._categories[row] = 0
        self._categories[row, : len(codes)] = codes
        self._shelf[row] = self._above[codes[0]] if codes else 0
        self._brand[row] = self._code(product.brand.casefold())
        self._currency[row] = self._code(product.currency)
        self._price[row] = product.price
        self._in_stock[row] = product.in_stock
        self._alive[row] = True

    def delete(self, product_id: str) -> None:
        """Forgets a product; its row stays, dead."""
        row = self._rows.get(product_id)
        if row is not None:
            self._alive[row] = False
            self._products[row] = None

    def allowed(self, wanted: Filter) -> NDArray[np.bool_]:
        """Which rows a filter lets through, a fresh array that the caller may change."""
        size = len(self.ids)
        mask = self._alive[:size].copy()
        if wanted.categories:
            below = np.zeros(len(self._names), bool)
            for path in wanted.categories:
                below[self._below.get(path, [])] = True
            inside = np.zeros(size, bool)
            for column in self._categories[:size].T:
                inside |= below[column]
            mask &= inside
        if wanted.brands:
            codes = [self._codes.get(brand.casefold(), -1) for brand in wanted.brands if brand]
            mask &= np.isin(self._brand[:size], codes)
        if wanted.currency:
            price = self._price[:size]
            mask &= (self._currency[:size] == self._codes.get(wanted.currency, -1)) & (price != NO_PRICE)
            if wanted.min_price is not None:
                mask &= price >= wanted.min_price
            if wanted.max_price is not None:
                mask &= price <= wanted.max_price
        if wanted.in_stock_only:
            mask &= self._in_stock[:size]
        return mask

    def alive(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows are in the catalogue now."""
        return self._alive[rows]

    def in_stock(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows can be bought now."""
        return self._in_stock[rows]

    def shelves(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.int32]:
        """The shelf codes of rows, of all when none are named; 0 for none."""
        return self._shelf[: len(self.ids)] if rows is None else self._shelf[rows]

    def prices(self) -> NDArray[np.int64]:
        """All rows' prices in micros, NO_PRICE for none."""
        return self._price[: len(self.ids)]

    def brands(self) -> NDArray[np.int32]:
        """The brand codes of all rows, 0 for none."""
        return self._brand[: len(self.ids)]

    def main_categories(self) -> NDArray[np.int32]:
        """The codes of all rows' main categories, 0 for none."""
        return self._categories[: len(self.ids), 0]

    def name(self, code: int) -> str:
        """The category path or brand behind a code."""
        return self._names[code]

    def _code(self, name: str) -> int:
        code = self._codes.get(name)
        if code is None:
            code = self._codes[name] = len(self._names)
            self._names.append(name)
            self._above.append(0)
        return code

    def _category(self, path: str) -> int:
        code = self._code(path)
        if code and not self._above[code]:
            levels = path.split(LEVELS)
            self._above[code] = self._code(LEVELS.join(levels[:SHELF_LEVELS]))
            for depth in range(1, len(levels) + 1):
                self._below.setdefault(LEVELS.join(levels[:depth]), []).append(code)
        return code

    def _grow(self) -> None:
        for name in ("_alive", "_in_stock", "_price", "_currency", "_brand", "_categories", "_shelf"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
