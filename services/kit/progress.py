"""What long work tells whoever started it, and what it returns when it is done."""

from collections.abc import Callable, Mapping
from typing import TypedDict

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0 when unknown)."""


class Metric(TypedDict):
    """A measured figure with its confidence interval; low and high are None where there is none."""

    value: float
    low: float | None
    high: float | None


class TrainReport(TypedDict):
    """What training made: the version, whether it now serves, its held-out figures, and its data's span."""

    version: str
    promoted: bool
    metrics: Mapping[str, Metric]
    span: Mapping[str, str]


def silent(what: str, done: int, total: int) -> None:
    """A Progress that tells nobody."""
