"""From pictures that look alike to products that do: each product once, by its best picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.vision.domain.product import Filter, Product
from services.vision.domain.seen import Matrix

Hits = Sequence[tuple[str, float]]
"""Pictures' keys and their cosines, nearest first."""

OVERFETCH = 4
"""How many more pictures than products are fetched at first, and by how much more when they are too few."""

SAME_PICTURE = 0.995
"""Two catalogue pictures at least this close are one picture, saved twice: see docs/vision.md."""

MAX_FOLDED = 20


@dataclass(frozen=True, slots=True)
class Similar:
    """A product that looks like the picture; similarity is the cosine, -1 to 1.

    `duplicates` are less similar products that were folded into it, the first MAX_FOLDED of them.
    """

    product_id: str
    similarity: float
    duplicates: tuple[str, ...] = ()


class _Best(NamedTuple):
    cosine: float
    picture: str
    product: Product


def similar(
    nearest: Callable[[int], Hits],
    products: Callable[[Iterable[str]], Mapping[str, Sequence[Product]]],
    rows: Callable[[Sequence[str]], Matrix] | None,
    wanted: Filter,
    count: int,
) -> list[Similar]:
    """The `count` most similar products that the filter lets through, ties in the order of ids.

    `nearest(n)` gives the n nearest pictures, fewer only when there are no more; `products` those that
    have each picture. `rows` gives pictures' embeddings: with it, variants of one product and products with
    the same picture are folded into the most similar of them. Fetches more pictures until the last product
    is certain.
    """
    fetch = max(1, count) * OVERFETCH
    while True:
        hits = nearest(fetch)
        best = _best(hits, products([key for key, _ in hits]), wanted)
        ranked = sorted(best.values(), key=lambda one: (-one.cosine, one.product.id))
        found = _fold(ranked, rows, count) if rows else [_answer(one) for one in ranked[:count]]
        # A picture not fetched may tie with the last one fetched, so the last product must be above it.
        certain = len(found) == count and found[-1].similarity > hits[-1][1]
        if certain or len(hits) < fetch:
            return found
        fetch *= OVERFETCH


def _best(hits: Hits, products: Mapping[str, Sequence[Product]], wanted: Filter) -> dict[str, _Best]:
    best: dict[str, _Best] = {}
    for key, cosine in hits:
        for product in products.get(key, ()):
            if (product.id not in best or cosine > best[product.id].cosine) and wanted.passes(product):
                best[product.id] = _Best(cosine, key, product)
    return best


def _fold(ranked: Sequence[_Best], rows: Callable[[Sequence[str]], Matrix], count: int) -> list[Similar]:
    """The first `count` groups, each told by its first product."""
    seen = rows([one.picture for one in ranked])
    kept, folded = list[int](), list[list[str]]()
    for at, one in enumerate(ranked):
        alike = seen[kept] @ seen[at] >= SAME_PICTURE if kept else ()
        same = (
            place
            for place, other in enumerate(kept)
            if alike[place]
            or ranked[other].picture == one.picture
            or (one.product.primary and ranked[other].product.primary == one.product.primary)
        )
        place = next(same, len(kept))
        if place < len(kept):
            folded[place].append(one.product.id)
        elif len(kept) < count:
            kept.append(at)
            folded.append([])
    return [_answer(ranked[at], ids) for at, ids in zip(kept, folded, strict=True)]


def _answer(one: _Best, folded: Sequence[str] = ()) -> Similar:
    return Similar(one.product.id, max(-1.0, min(1.0, one.cosine)), tuple(folded[:MAX_FOLDED]))
