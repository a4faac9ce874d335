"""Nearest visits: what others went on to in visits like this one, for shoppers without a history.

The VSTAN family (Ludewig et al. 2020, "Empirical analysis of session-based recommendation algorithms"):
an inverted index finds the latest visits that share an item; what was done last in this visit counts most,
rare items count more, and what stands behind the shared item in the other visit counts more than before it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.itemrows import strongest
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.neighbours import BadModelError

LONGEST = 50
"""The latest lines of a visit that are learnt, and of a past that are looked at."""

_SETTINGS = ("sampled", "nearest", "recency", "distance", "before", "rarity", "age")


@dataclass(frozen=True)
class Visit:
    """Distinct items of a past, the latest first, and what each weighs."""

    items: NDArray[np.int32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class _Near:
    """The lines of the nearest visits: item, place, the visit's number, and how near that visit is."""

    items: NDArray[np.int32]
    places: NDArray[np.int64]
    visits: NDArray[np.int64]
    nearness: NDArray[np.float64]


class SessionModel(Model):
    """Scores by the `nearest` visits among the latest `sampled` of each item.

    `recency`: an item weighs exp(-k / recency) when k others came after it in the past, and half as much for
    every `age` seconds that it lies back. `distance`: a line k places behind the latest shared item counts
    exp(-k / distance), one before it `before` times that. `rarity`: the power of an item's idf that it counts
    with. `visits`: no more are kept, the latest; their lines bound the memory, at 12 bytes a line. `gap`:
    seconds without a line after which a past goes on as another visit.
    """

    name: ClassVar[str] = "session"

    def __init__(
        self,
        sampled: int = 1000,
        nearest: int = 300,
        recency: float = 2.0,
        distance: float = 12.0,
        before: float = 0.4,
        rarity: float = 0.5,
        age: float = 7 * 86_400.0,
        visits: int = 200_000,
        gap: float = 3 * 3600.0,
    ) -> None:
        self.sampled, self.nearest, self.recency, self.distance = sampled, nearest, recency, distance
        self.before, self.rarity, self.age = before, rarity, age
        self.visits, self.gap = visits, gap

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Cuts pasts into visits, keeps the latest, and turns them into lists by item."""
        visit = _visits(data, self.gap)
        sizes = np.bincount(visit)
        kept = np.flatnonzero(sizes > 1)
        ends = np.cumsum(sizes) - 1
        # Numbered from the oldest to the latest, so that a higher number is a later visit.
        kept = kept[np.argsort(data.time[ends[kept]], kind="stable")][-self.visits :]
        sizes = np.minimum(sizes[kept], LONGEST)
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        lines = _ranges(ends[kept] + 1 - sizes, sizes)
        self.item = data.item[lines].astype(np.int32)
        self.items = data.items
        self._index()
        progress("visits", len(kept), len(kept))
        return self

    def _index(self) -> None:
        """The visits of each item, oldest first, each once, and each item's idf to the power of `rarity`."""
        count = len(self.starts) - 1
        visit = np.repeat(np.arange(count, dtype=np.int32), np.diff(self.starts))
        order = np.lexsort((visit, self.item))
        items, visits = self.item[order], visit[order]
        fresh = (np.diff(items, prepend=-1) != 0) | (np.diff(visits, prepend=-1) != 0)
        self._visit_of = visits[fresh]
        taken = np.bincount(items[fresh], minlength=self.items)
        self._first = np.concatenate([[0], np.cumsum(taken)]).astype(np.int64)
        self._idf = (np.log1p(count / np.maximum(taken, 1)) ** self.rarity).astype(np.float32)

    def state(self, past: Past) -> Visit:
        """The latest items, each once at its latest place, that any kept visit has."""
        past = past.last(LONGEST)
        fits = (past.items >= 0) & (past.items < self.items)
        items, times = past.items[fits][::-1], past.times[fits][::-1]
        at = np.sort(np.unique(items, return_index=True)[1])
        at = at[np.diff(self._first)[items[at]] > 0]
        back = times[at].max(initial=-np.inf) - times[at]
        fading = np.exp(-np.arange(len(at)) / self.recency) * 0.5 ** (back / self.age)
        return Visit(items[at], (fading * self._idf[items[at]]).astype(np.float32))

    def score(self, state: Visit) -> Scores:
        """The sum over near visits of how near they are, what a line's place counts, and the item's idf."""
        near = self._near(state)
        shared = self._shared(state, near)
        step = near.places - shared[near.visits]
        place = np.exp(-np.abs(step) / self.distance) * np.where(step < 0, self.before, 1.0)
        worth = near.nearness[near.visits] * place * self._idf[near.items]
        return np.bincount(near.items, worth, self.items).astype(np.float32)

    def explain(self, state: Visit, item: int) -> tuple[int, ...]:
        """The items of the past that lie with `item` in the nearest visits, by their weight there."""
        near = self._near(state)
        holds = np.zeros(len(near.nearness), bool)
        holds[near.visits[near.items == item]] = True
        weights = np.zeros(self.items)
        weights[state.items] = state.weights
        lines = holds[near.visits] & (weights[near.items] > 0)
        given = np.bincount(near.items[lines], weights[near.items[lines]], self.items)[state.items]
        return strongest(given.astype(np.float32), state.items.astype(np.int64))

    def arrays(self) -> Arrays:
        """The visits, line by line, and the settings that scoring needs."""
        settings = np.array([float(getattr(self, name)) for name in _SETTINGS])
        return {
            "starts": self.starts,
            "item": self.item,
            "items": np.array(self.items),
            "settings": settings,
        }

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError when the arrays do not fit together."""
        try:
            parts: list[Any] = [arrays[name] for name in ("starts", "item", "items", "settings")]
            starts, item, items, settings = parts
            values = dict(zip(_SETTINGS, settings.tolist(), strict=True))
            whole = {name: int(values.pop(name)) for name in ("sampled", "nearest")}
            fits = starts[0] == 0 and starts[-1] == len(item) and bool((np.diff(starts) >= 0).all())
            fits = fits and bool(((item >= 0) & (item < int(items))).all())
        except (KeyError, ValueError, IndexError, TypeError) as problem:
            raise BadModelError(f"the session model's arrays do not fit together: {problem}") from None
        if not fits:
            raise BadModelError("the session model's arrays do not fit together")
        model = cls(**whole, **values)
        model.starts, model.item, model.items = starts, item, int(items)
        model._index()
        return model

    def _near(self, state: Visit) -> _Near:
        """The nearest visits: those that share most weight, the latest at a tie."""
        last = self._first[state.items + 1]
        sizes = np.minimum(last - self._first[state.items], self.sampled)
        found = self._visit_of[_ranges(last - sizes, sizes)]
        visits, at = np.unique(found, return_inverse=True)
        weights = np.repeat(state.weights, sizes)
        nearness = np.bincount(at, weights, len(visits)).astype(np.float64)
        if len(visits) > self.nearest:
            kept = np.lexsort((-visits, -nearness))[: self.nearest]
            visits, nearness = visits[kept], nearness[kept]
        lengths = self.starts[visits + 1] - self.starts[visits]
        lines = _ranges(self.starts[visits], lengths)
        places = lines - np.repeat(self.starts[visits], lengths)
        return _Near(self.item[lines], places, np.repeat(np.arange(len(visits)), lengths), nearness)

    def _shared(self, state: Visit, near: _Near) -> NDArray[np.int64]:
        """The place in each near visit of the item that it shares with the past, the past's latest."""
        rank = np.full(self.items, len(state.items))
        rank[state.items] = np.arange(len(state.items))
        ranks = rank[near.items]
        order = np.lexsort((-near.places, ranks, near.visits))
        firsts = order[np.diff(near.visits[order], prepend=-1) != 0]
        return np.asarray(near.places[firsts])


def _visits(data: Interactions, gap: float) -> NDArray[np.int64]:
    """Each line's visit: a past is cut where `gap` seconds passed without a line."""
    fresh = np.diff(data.user, prepend=-1) != 0
    return np.asarray(np.cumsum(fresh | (np.diff(data.time, prepend=0.0) > gap)) - 1)


def _ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers starts[i] .. starts[i] + sizes[i] - 1 of all i, one behind the other."""
    before = np.cumsum(sizes) - sizes
    return np.asarray(np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes))
