"""Products by what is written of them: a new one stands near what products of such words sell with.

Collaborative item vectors come from a truncated SVD of who took what (randomised: Halko et al. 2011). A ridge
regression foretells them from words, weighted by how much is known of each item (the attribute-to-feature map
of Gantner et al. 2010). An item that many took stands where its takers put it, a new one where its words do.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.catalogue import LEVELS, Product
from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.itemrows import Weighted, strongest, weighted
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.neighbours import BadModelError

COLUMNS = 4096
"""Words are hashed into as many columns: memory and time stay bounded whatever words a shop uses."""

LATEST = 100
"""The latest items of a past that are looked at."""

_ROUNDS, _SPARE = 4, 16
_WORD = re.compile(r"\w+")

Vectors = NDArray[np.float32]


def words_of(product: Product) -> tuple[str, ...]:
    """What is written of a product: words of its title, its brand, its categories and all above them."""
    words = [f"title {word}" for word in _WORD.findall(product.title.casefold())]
    brand = [f"brand {product.brand.casefold()}"] if product.brand else []
    paths = [path.split(LEVELS) for path in product.categories]
    above = [f"in {LEVELS.join(path[:depth])}" for path in paths for depth in range(1, len(path) + 1)]
    return (*words, *brand, *above)


class ContentModel(Model):
    """Scores by the product of an item's vector with the sum of the past's.

    `words`: what is written of each item by its number, as words_of gives it; without, it knows only who took
    what. `size` of the vectors, `ridge` of the map, `evenness`: the power by which popular items are damped;
    an item that n shoppers took stands n / (n + `prior`) of the way from its words to its takers. Each place
    further back in a past counts `fade` times as much.
    """

    name: ClassVar[str] = "content"
    vectors: Vectors

    def __init__(
        self,
        words: Sequence[Sequence[str]] = (),
        size: int = 256,
        ridge: float = 1.0,
        evenness: float = 0.5,
        prior: float = 20.0,
        fade: float = 0.9,
    ) -> None:
        self.words, self.size, self.ridge = words, size, ridge
        self.evenness, self.prior, self.fade = evenness, prior, fade

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Factors who took what, then maps words to the factors."""
        taken = data.matrix()
        counts = np.asarray(taken.sum(0)).ravel()
        factors = _factors(taken, counts, self.size, self.evenness)
        progress("content", 1, 2)
        self._rarity = _rarity(self.words, data.items)
        features = _features(self.words, data.items, self._rarity)
        known = np.sqrt(counts)
        gram = (features.T @ sparse.diags(known) @ features).toarray()
        gram[np.diag_indices(COLUMNS)] += self.ridge
        self._map = np.linalg.solve(gram, features.T @ (known[:, None] * factors)).astype(np.float32)
        near = (counts / (counts + self.prior))[:, None]
        self.vectors = (near * factors + (1 - near) * (features @ self._map)).astype(np.float32)
        progress("content", 2, 2)
        return self

    def placed(self, words: Sequence[Sequence[str]]) -> Vectors:
        """Where words alone place products that nobody took yet: (products, size)."""
        return np.asarray(_features(words, len(words), self._rarity) @ self._map, np.float32)

    def state(self, past: Past) -> Weighted:
        """The latest items, each once, the last most."""
        return weighted(past.last(LATEST), len(self.vectors), self.fade)

    def score(self, state: Weighted) -> Scores:
        """Every item's product with the sum of the past's vectors."""
        return np.asarray(self.vectors @ (state.weights @ self.vectors[state.items]), np.float32)

    def explain(self, state: Weighted, item: int) -> tuple[int, ...]:
        """The items of the past whose vectors give most."""
        return strongest(state.weights * (self.vectors[state.items] @ self.vectors[item]), state.items)

    def arrays(self) -> Arrays:
        """The vectors, how a past fades, how rare each word is, and where it points."""
        fade = np.array(self.fade)
        return {"vectors": self.vectors, "fade": fade, "rarity": self._rarity, "map": self._map}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError without vectors."""
        if not {"vectors", "fade", "rarity", "map"} <= arrays.keys() or arrays["vectors"].ndim != 2:
            raise BadModelError("a content model needs one vector an item, and the map from words")
        model = cls(fade=float(arrays["fade"]))
        model.vectors = arrays["vectors"].astype(np.float32)
        model._rarity, model._map = arrays["rarity"], arrays["map"]
        if model._rarity.shape != (COLUMNS,) or model._map.shape != (COLUMNS, model.vectors.shape[1]):
            raise BadModelError("the content model's map does not fit its vectors")
        return model


def _counted(words: Sequence[Sequence[str]], items: int) -> sparse.csr_matrix:
    """Items by COLUMNS: how many of an item's distinct words fall into each column."""
    sizes = [len(set(line)) for line in words]
    columns = [crc32(word.encode()) % COLUMNS for line in words for word in sorted(set(line))]
    rows = np.repeat(np.arange(len(sizes)), sizes)
    return sparse.csr_matrix((np.ones(len(columns)), (rows, columns)), shape=(items, COLUMNS))


def _rarity(words: Sequence[Sequence[str]], items: int) -> NDArray[np.float64]:
    """Each column's inverse document frequency, never below 0."""
    seen = np.bincount(_counted(words, items).indices, minlength=COLUMNS)
    return np.maximum(np.log((items + 1) / (seen + 0.5)), 0.0)


def _features(words: Sequence[Sequence[str]], items: int, rarity: NDArray[np.float64]) -> sparse.csr_matrix:
    """Items by COLUMNS: tf-idf of hashed words, each row of length 1 or empty."""
    found = _counted(words, items) @ sparse.diags(rarity)
    length = np.sqrt(np.asarray(found.multiply(found).sum(1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-12)) @ found).tocsr()


def _factors(
    taken: sparse.csr_matrix, counts: NDArray[np.float32], size: int, evenness: float
) -> NDArray[np.float64]:
    """Items by `size`: right singular vectors times singular values, of the matrix evened out both ways."""
    shoppers = np.maximum(np.asarray(taken.sum(1)).ravel(), 1.0) ** -0.5
    even = sparse.diags(shoppers) @ taken @ sparse.diags(np.maximum(counts, 1.0) ** -evenness)
    even = even.astype(np.float64).tocsr()
    width = min(size + _SPARE, *even.shape)
    if not width:
        return np.zeros((taken.shape[1], size))
    basis = np.random.default_rng(0).standard_normal((even.shape[1], width))
    for _ in range(_ROUNDS):
        basis, _ = np.linalg.qr(even.T @ (even @ basis))
    left, values, _ = np.linalg.svd((even @ basis).T @ (even @ basis))
    factors = basis @ left[:, :size] * np.sqrt(values[:size])
    return np.pad(factors, ((0, 0), (0, size - factors.shape[1])))
