"""What may be told of an experiment when, and the figures.

A switchback that runs tells intervals that hold at every look; one that ran to its end those of all its
pairs, which are narrower. A product-level experiment has all its pairs from the first day on, so that no
interval holds at every look: before its end nothing is told.
"""

from collections.abc import Sequence
from typing import Final

from services.pricing.domain.experiment.asking import Figure, Measured, Shown
from services.pricing.domain.experiment.design import Arm, Kind
from services.pricing.domain.experiment.effect import LEAST_PAIRS, Effect, Pair, effect, effect_so_far
from services.pricing.domain.experiment.experiment import Status
from services.pricing.domain.experiment.outcomes import FIGURES, Tally

_STOPPED: Final = "it was stopped before its end: its intervals hold where its sales did not decide when"


def early(shown: Shown) -> str:
    """Why nothing may be told yet, in words; "" where something may."""
    experiment = shown.experiment
    if experiment.began is None:
        return "it has not begun"
    if experiment.kind is Kind.PRODUCTS and not experiment.status.over:
        return "products that are compared all the time are told of once, when the experiment is over"
    return ""


def measured(shown: Shown, tally: Tally, kept: float) -> Measured:
    """The figures of what was counted."""
    experiment = shown.experiment
    always_valid = experiment.kind is Kind.SWITCHBACK and experiment.status is not Status.ENDED
    planned, done = len(experiment.pairs), len(tally.pairs("units"))
    control, treatment = tally.arm(Arm.CONTROL), tally.arm(Arm.TREATMENT)
    figures = [
        Figure(name, control[name], treatment[name], _effect(tally, name, planned, always_valid))
        for name in FIGURES
        if name != "margin" or not tally.uncosted
    ]
    reason = _STOPPED if experiment.kind is Kind.PRODUCTS and experiment.status is Status.STOPPED else ""
    if tally.uncosted:
        reason = f"no margin: the cost of {tally.uncosted} products is not known"
    if done < LEAST_PAIRS:
        reason = f"{LEAST_PAIRS} pairs are needed, {done} are whole"
    return Measured(shown, figures, done, planned, kept, always_valid, reason)


def _effect(tally: Tally, name: str, planned: int, always_valid: bool) -> Effect | None:
    pairs = tally.pairs(name)
    if not _compares(pairs):
        return None
    return effect_so_far(pairs, planned) if always_valid else effect(pairs)


def _compares(pairs: Sequence[Pair]) -> bool:
    """A share can be told of what brings something: not of a margin that is a loss."""
    return sum(pair.control for pair in pairs) > 0 and sum(pair.treated for pair in pairs) > 0
