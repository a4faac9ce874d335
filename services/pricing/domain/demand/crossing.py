"""Which products answer to whose price, from the cross elasticities of a model.

A product's demand answers to the price index of its category's other products, each weighing what it sold:

    elasticity of i to the price of j = cross elasticity of i * sold of j / sold of all of the category but i
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol


class Known(Protocol):
    """What is needed of a product's response."""

    @property
    def product_id(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def cross_elasticity(self) -> float: ...
    @property
    def cross_error(self) -> float: ...
    @property
    def sold(self) -> float: ...


class CrossElasticity(NamedTuple):
    """A product, how its demand answers to the price of another, and the standard error of that."""

    product_id: str
    elasticity: float
    error: float = 0.0


class Crossing(Mapping[str, Mapping[str, CrossElasticity]]):
    """By product, the answers of others to its price, made when asked for; empty where none was found."""

    def __init__(self, found: Iterable[Known]) -> None:
        self._known: dict[str, Known] = {}
        self._answering: dict[str, list[Known]] = defaultdict(list)
        self._members: dict[str, list[Known]] = defaultdict(list)
        self._sold: dict[str, float] = defaultdict(float)
        for one in found:
            self._known[one.product_id] = one
            self._sold[one.category] += one.sold
            self._members[one.category].append(one)
            if one.cross_elasticity:
                self._answering[one.category].append(one)

    def rest(self, at: Known) -> float:
        """Pieces that the others of a product's category sold."""
        return self._sold.get(at.category, 0.0) - at.sold

    def __getitem__(self, product_id: str) -> Mapping[str, CrossElasticity]:
        mine = self._known[product_id]
        others = (one for one in self._answering.get(mine.category, ()) if one is not mine)
        return {one.product_id: self._answer(one, mine) for one in others}

    def nearest(self, product_id: str, most: int) -> list[CrossElasticity]:
        """The others whose prices the demand of a product answers to most."""
        mine = self._known[product_id]
        if not mine.cross_elasticity:
            return []
        others = sorted(self._members[mine.category], key=lambda one: (-one.sold, one.product_id))
        near = [one for one in others[: most + 1] if one is not mine][:most]
        return [CrossElasticity(one.product_id, *self._answer(mine, one)[1:]) for one in near]

    def __contains__(self, product_id: object) -> bool:
        mine = self._known.get(product_id) if isinstance(product_id, str) else None
        return mine is not None and bool(self._answering.get(mine.category))

    def __iter__(self) -> Iterator[str]:
        return (one for one in self._known if one in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _answer(self, answering: Known, priced: Known) -> CrossElasticity:
        rest = self.rest(answering)
        share = priced.sold / rest if rest > 0 else 0.0
        return CrossElasticity(
            answering.product_id, answering.cross_elasticity * share, answering.cross_error * share
        )
