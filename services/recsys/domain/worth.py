"""What more CPU must bring: a choice that costs twice as much to fit must be better by a declared share.

Costs are counted in whole doublings of CPU seconds: how busy a machine is hardly changes what is chosen.
"""

from math import log2

GAIN = 0.01
"""The share by which the goal must rise for each doubling of the CPU seconds that fitting takes."""

LEAST = 0.1
"""CPU seconds below which nothing is saved."""


def doublings(seconds: float) -> int:
    """How many times the least cost is doubled, as a whole number."""
    return max(0, round(log2(max(seconds, LEAST) / LEAST)))


def needed(before: float, after: float) -> float:
    """The share by which the goal must rise where fitting took `before` seconds, and would take `after`.

    Never less than one doubling's: a smaller rise is chance, and a further model costs each answer too.
    """
    return GAIN * max(1, doublings(after) - doublings(before))


def worth(goal: float, seconds: float) -> float:
    """A goal less what its cost had to bring: of two models, the one with more is to be taken."""
    return float(goal / (1 + GAIN) ** doublings(seconds))
