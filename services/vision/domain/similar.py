"""From pictures that look alike to products that do: each product once, by its best picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.vision.domain.product import Filter, Product

Hits = Sequence[tuple[str, float]]
"""Pictures' keys and their cosines, nearest first."""

OVERFETCH = 4
"""How many more pictures than products are fetched at first, and by how much more when they are too few."""

SAME_PICTURE = 6.0
"""Two thumbnails whose root mean square difference, of 255, is less are one picture: see docs/vision.md."""

MAX_FOLDED = 20

Thumbnails = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Pictures' thumbnails, (keys, numbers from 0 to 255); not a number for one that has none."""


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
    thumbnails: Thumbnails | None,
    wanted: Filter,
    count: int,
) -> list[Similar]:
    """The `count` most similar products that the filter lets through, ties in the order of ids.

    `nearest(n)` gives the n nearest pictures, fewer only when there are no more; `products` those that
    have each picture. With `thumbnails`, variants of one product and products with the same picture, saved
    anew or not, are folded into the most similar of them. Fetches more pictures until the last product is
    certain.
    """
    fetch = max(1, count) * OVERFETCH
    while True:
        hits = nearest(fetch)
        best = _best(hits, products([key for key, _ in hits]), wanted)
        ranked = sorted(best.values(), key=lambda one: (-one.cosine, one.product.id))
        found = _fold(ranked, thumbnails, count) if thumbnails else [_answer(one) for one in ranked[:count]]
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


def _fold(ranked: Sequence[_Best], thumbnails: Thumbnails, count: int) -> list[Similar]:
    """The first `count` groups, each told by its first product."""
    seen = thumbnails([one.picture for one in ranked])
    kept, folded, places = list[int](), list[list[str]](), dict[str, int]()
    for at, one in enumerate(ranked):
        primary = one.product.primary or one.product.id
        place = places.get(primary, -1)
        if place < 0:
            apart = np.sqrt(np.square(seen[kept] - seen[at]).mean(axis=1))
            shown = np.array([ranked[other].picture == one.picture for other in kept], bool)
            same = shown | (apart < SAME_PICTURE)
            place = int(same.argmax()) if same.any() else len(kept)
        if place < len(kept):
            folded[place].append(one.product.id)
        elif place < count:
            kept.append(at)
            folded.append([])
        places.setdefault(primary, place)
    return [_answer(ranked[at], ids) for at, ids in zip(kept, folded, strict=True)]


def _answer(one: _Best, folded: Sequence[str] = ()) -> Similar:
    return Similar(one.product.id, max(-1.0, min(1.0, one.cosine)), tuple(folded[:MAX_FOLDED]))
