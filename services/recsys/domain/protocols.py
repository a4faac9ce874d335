"""What is learnt from, and what is held out to be foreseen, in each of the ways that people compare by.

| protocol | test | validation | answer may repeat the past |
|---|---|---|---|
| leave-one-out | each user's last item | the item before it | no |
| fixed-split | the test file | a tenth of each user's items, drawn by a seed | no |
| next-basket | the test file, or each user's last basket | the last basket before it | yes |
| last-weeks | all that is taken in the last four weeks | the four weeks before them | yes |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.interactions import Interactions

SHARE = 0.1
"""The part of a user's items that fixed-split takes to choose settings by."""

WEEKS = 4.0
"""What last-weeks holds out."""

_WEEK = 7 * 24 * 3600.0

Lines = NDArray[np.bool_]


class BadDataError(ValueError):
    """The data do not suit the protocol."""

    code = "BAD_DATA"


@dataclass(frozen=True)
class Cases:
    """Whom to answer, and what is then counted as right: row i of `past` and of `wanted` is case i.

    `wanted` is cases by items, 1.0 for what was taken next; every row has at least one. Unless `repeats`,
    what lies in the past is not ranked; where it is wanted all the same, it counts as missed.
    """

    users: NDArray[np.int64]
    past: Interactions
    wanted: sparse.csr_matrix
    repeats: bool

    def __len__(self) -> int:
        return len(self.users)

    def part(self, count: int, seed: int = 0) -> "Cases":
        """At most `count` of the cases, drawn by a seed."""
        if count >= len(self):
            return self
        return self._at(np.sort(np.random.default_rng(seed).choice(len(self), count, replace=False)))

    def of(self, users: NDArray[np.int64]) -> "Cases":
        """The cases of these users, rising, who are numbered by their places here from then on."""
        found = self._at(np.flatnonzero(np.isin(self.users, users)))
        return replace(found, users=np.searchsorted(users, found.users))

    def _at(self, places: NDArray[np.int64]) -> "Cases":
        return Cases(self.users[places], self.past.of_users(places), self.wanted[places], self.repeats)


@dataclass(frozen=True)
class Split:
    """Settings are chosen by models of `train` on `validation`; then models of `full` are measured on `test`.

    `full` is `train` and what `validation` wants. Nothing that `test` wants lies in either.
    """

    train: Interactions
    validation: Cases
    full: Interactions
    test: Cases


def leave_one_out(data: Interactions, future: Interactions | None = None) -> Split:
    """The last item is to be foreseen from all before it. Who has fewer than three is only learnt from."""
    if future is not None:
        raise BadDataError("leave-one-out takes its test items from the interactions; it has no test file")
    left = np.repeat(data.starts[1:], np.diff(data.starts)) - np.arange(len(data.item))
    long = np.repeat(np.diff(data.starts) >= 3, np.diff(data.starts))
    last, before = (left == 1) & long, (left == 2) & long
    return _split(data, before, last, repeats=False)


def fixed_split(data: Interactions, future: Interactions | None = None, *, seed: int = 0) -> Split:
    """The test file is to be foreseen. Order means nothing."""
    if future is None:
        raise BadDataError("fixed-split needs a test file: --test FILE")
    keys = np.random.default_rng(seed).random(len(data.item))
    order = np.lexsort((keys, data.user))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(data.starts[:-1], np.diff(data.starts))
    held = rank < np.floor(SHARE * np.repeat(np.diff(data.starts), np.diff(data.starts)) + 0.5)
    train = data.only(~held)
    return Split(train, _cases(train, data.only(held), False), data, _cases(data, future, False))


def next_basket(data: Interactions, future: Interactions | None = None) -> Split:
    """The next basket is to be foreseen, repeats and all. Who has one basket is only learnt from."""
    baskets = np.zeros(data.users, np.int64)
    np.maximum.at(baskets, data.user, data.basket + 1)
    left = baskets[data.user] - data.basket
    if future is None:
        count = baskets[data.user]
        return _split(data, (left == 2) & (count >= 3), (left == 1) & (count >= 2), repeats=True)
    held = (left == 1) & (baskets[data.user] >= 2)
    train = data.only(~held)
    return Split(train, _cases(train, data.only(held), True), data, _cases(data, future, True))


def last_weeks(data: Interactions, future: Interactions | None = None, *, weeks: float = WEEKS) -> Split:
    """All that a user takes in the last weeks is to be foreseen at once, from what everybody took before.

    Of data that span less than five times that, it is the last fifth.
    """
    if future is not None:
        raise BadDataError("last-weeks cuts the interactions by time; it has no test file")
    age = (data.time.max(initial=0.0) - data.time) / _WEEK
    weeks = min(weeks, float(age.max(initial=0.0)) / 5)
    return _split(data, (age >= weeks) & (age < 2 * weeks), age < weeks, repeats=True)


PROTOCOLS: Mapping[str, Callable[[Interactions, Interactions | None], Split]] = MappingProxyType(
    {
        "leave-one-out": leave_one_out,
        "fixed-split": fixed_split,
        "next-basket": next_basket,
        "last-weeks": last_weeks,
    }
)


def _split(data: Interactions, validation: Lines, test: Lines, *, repeats: bool) -> Split:
    train, full = data.only(~(validation | test)), data.only(~test)
    return Split(
        train,
        _cases(train, data.only(validation), repeats, strangers=False),
        full,
        _cases(full, data.only(test), repeats, strangers=False),
    )


def _cases(past: Interactions, future: Interactions, repeats: bool, *, strangers: bool = True) -> Cases:
    """A case for every user with a future; `strangers`: also where there is no past."""
    wanted = future.matrix()
    users = np.flatnonzero(np.diff(wanted.indptr) > 0)
    if not strangers:
        users = users[np.diff(past.starts)[users] > 0]
    return Cases(users, past.of_users(users), wanted[users], repeats)
