"""Who took what, in which order: the arrays that every model learns from, and one shopper's part of them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class Past:
    """What one shopper took, oldest first: items, the number of the basket each lay in, and Unix seconds.

    Baskets number from 0 and rise; where a source knows no baskets, each item is one of its own, and where it
    knows no times, they are the positions.
    """

    items: NDArray[np.int32]
    baskets: NDArray[np.int32]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.items)

    def last(self, count: int) -> "Past":
        """Only the latest `count` items."""
        return Past(self.items[-count:], self.baskets[-count:], self.times[-count:])


def past_of(items: NDArray[np.int32] | list[int]) -> Past:
    """A past of which only the order is known."""
    numbers = np.asarray(items, np.int32)
    order = np.arange(len(numbers))
    return Past(numbers, order.astype(np.int32), order.astype(np.float64))


@dataclass(frozen=True)
class Interactions:
    """All shoppers' pasts: user u has the lines starts[u]:starts[u + 1] of the columns that Past explains.

    Users and items number from 0. `items` is how many items there are, also those that nobody took.
    """

    items: int
    starts: NDArray[np.int64]
    item: NDArray[np.int32]
    basket: NDArray[np.int32]
    time: NDArray[np.float64]

    @property
    def users(self) -> int:
        """How many shoppers there are."""
        return len(self.starts) - 1

    @cached_property
    def user(self) -> NDArray[np.int32]:
        """Each line's shopper."""
        return np.repeat(np.arange(self.users, dtype=np.int32), np.diff(self.starts))

    def past(self, user: int) -> Past:
        """One shopper's part."""
        part = slice(int(self.starts[user]), int(self.starts[user + 1]))
        return Past(self.item[part], self.basket[part], self.time[part])

    def only(self, kept: NDArray[np.bool_]) -> "Interactions":
        """The same shoppers and items, with these lines alone."""
        starts = np.concatenate([[0], np.cumsum(kept)])[self.starts]
        return Interactions(self.items, starts, self.item[kept], self.basket[kept], self.time[kept])

    def of_users(self, users: NDArray[np.int64]) -> "Interactions":
        """These shoppers' lines, who number from 0 in the order given."""
        counts = np.diff(self.starts)[users]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        lines = np.arange(starts[-1]) + np.repeat(self.starts[users] - starts[:-1], counts)
        return Interactions(self.items, starts, self.item[lines], self.basket[lines], self.time[lines])

    def of_items(self, items: NDArray[np.int64]) -> "Interactions":
        """Only the lines of these items, which number from 0 in the order given; the shoppers stay."""
        number = np.full(self.items, -1, np.int32)
        number[items] = np.arange(len(items))
        found = self.only(number[self.item] >= 0)
        return replace(found, items=len(items), item=number[found.item])

    def matrix(self) -> sparse.csr_matrix:
        """Users by items, 1.0 where a shopper took an item however often, float32."""
        ones = np.ones(len(self.item), np.float32)
        taken = sparse.csr_matrix((ones, (self.user, self.item)), shape=(self.users, self.items))
        taken.sum_duplicates()
        taken.data[:] = 1.0
        return taken

    def popularity(self) -> NDArray[np.int64]:
        """How many shoppers took each item."""
        return np.bincount(self.matrix().indices, minlength=self.items)


def interactions_of(items: int, pasts: list[Past]) -> Interactions:
    """Many shoppers' pasts as one."""
    empty = Past(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))
    starts = np.cumsum([0, *map(len, pasts)], dtype=np.int64)
    columns = [empty, *pasts]
    return Interactions(
        items,
        starts,
        np.concatenate([past.items for past in columns]),
        np.concatenate([past.baskets for past in columns]),
        np.concatenate([past.times for past in columns]),
    )
