"""How chance assigns prices: always to one of two units that are alike.

A switchback's units are blocks of time, paired with the same hours of the next week where whole weeks allow
it, else with their neighbours; all its products change together. A product-level experiment's units are
products, paired by category and expected revenue. Of each pair one unit, by a fair coin, has the treatment (a
matched-pair design: Imbens & Rubin, Causal Inference, 2015, chapter 10; for blocks of time Bojinov,
Simchi-Levi & Zhao, Management Science 2023). So everyone pays one price at any moment.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.limits import DAY

WEEK: Final = 7 * DAY
PROPENSITY: Final = 0.5
"""The chance of either arm of a pair."""


class Kind(IntEnum):
    """What is assigned, numbered as in the proto."""

    SWITCHBACK = 1
    PRODUCTS = 2


class Arm(IntEnum):
    """Which price holds, numbered as in the proto: the usual one, or the one that is tried."""

    CONTROL = 1
    TREATMENT = 2


class Subject(NamedTuple):
    """A product of an experiment: its category, and what it is expected to sell a week (pieces, revenue)."""

    product_id: str
    category: str = ""
    units: float = 0.0
    revenue: float = 0.0


def arms(seed: int, pairs: int) -> list[tuple[Arm, Arm]]:
    """The arms of the two units of each pair. The same seed gives the same, however many follow."""
    return [
        (Arm.TREATMENT, Arm.CONTROL)
        if np.random.default_rng([seed, pair]).random() < PROPENSITY
        else (Arm.CONTROL, Arm.TREATMENT)
        for pair in range(pairs)
    ]


def paired(blocks: int, length: int) -> list[tuple[int, int]]:
    """Pairs of blocks (of `length` microseconds, an even number of them), the one that is whole first coming
    first.

    A week apart, where two weeks at a time fill the time: a Monday is compared with a Monday.
    """
    week = WEEK // length if WEEK % length == 0 else 0
    apart = week if week and blocks % (2 * week) == 0 else 1
    return [(at, at + apart) for at in range(blocks) if at // apart % 2 == 0]


def matched(subjects: Sequence[Subject]) -> list[tuple[Subject, Subject]]:
    """Pairs of products: next to each other in expected revenue within a category, what is left over across
    categories. Of an odd number the one that sells least stays out.
    """
    by_category: dict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        by_category[subject.category].append(subject)
    pairs, left = list[tuple[Subject, Subject]](), list[Subject]()
    for _, theirs in sorted(by_category.items()):
        ranked = _ranked(theirs)
        pairs += zip(ranked[::2], ranked[1::2], strict=False)
        left += ranked[len(ranked) - len(ranked) % 2 :]
    ranked = _ranked(left)
    return pairs + list(zip(ranked[::2], ranked[1::2], strict=False))


def _ranked(subjects: Sequence[Subject]) -> list[Subject]:
    return sorted(subjects, key=lambda one: (-one.revenue, one.product_id))
