"""What sold while which arm's price held: orders counted by unit, and the pairs that tell the effect."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.pricing.domain.experiment.design import Arm, Kind
from services.pricing.domain.experiment.effect import Pair
from services.pricing.domain.experiment.experiment import Experiment, Tried
from services.pricing.domain.limits import MICROS

FIGURES: Final = ("units", "revenue", "margin")
LEAST_WHOLE: Final = 0.5
"""A block counts when so much of what is counted of it lay ahead when its price was set."""


class Assignment(NamedTuple):
    """What chance gave a unit, and when its price was set."""

    unit: int
    arm: Arm
    begun: int


class Window(NamedTuple):
    """The time that is counted of a unit."""

    unit: int
    arm: Arm
    start: int
    end: int


def windows(experiment: Experiment, assigned: Sequence[Assignment], now: int) -> list[Window]:
    """What is counted of each unit that is whole by now, in order."""
    timing, made = experiment.timing, []
    for unit, arm, begun in sorted(assigned):
        switches = experiment.kind is Kind.SWITCHBACK
        end = min(experiment.ends(unit if switches else 0), experiment.ended or now)
        start = begun + timing.washout
        whole = timing.block - timing.washout
        if end - start >= (LEAST_WHOLE * whole if switches else 1):
            made.append(Window(unit, arm, start, end))
    if experiment.kind is Kind.SWITCHBACK and experiment.ended is None:
        made = [one for one in made if one.end < now]
    return made


class Tally:
    """Counts orders into windows."""

    def __init__(self, experiment: Experiment, counted: Sequence[Window]) -> None:
        self._experiment, self._windows = experiment, {one.unit: one for one in counted}
        self._products = {one.product_id: (at, one) for at, one in enumerate(experiment.products)}
        self._starts = [one.start for one in counted]
        self._ordered = list(counted)
        self._sums = {one.unit: dict.fromkeys(FIGURES, 0.0) for one in counted}
        self.uncosted = sum(one.cost is None for one in experiment.products)

    def add(self, product_id: str, currency: str, time: int, micros: int, pieces: int) -> None:
        """Takes a line of an order in; of no effect outside all windows."""
        place, tried = self._products.get(product_id, (-1, None))
        if tried is None or currency != tried.currency:
            return
        window = self._window(place, time)
        if window is None:
            return
        sums = self._sums[window.unit]
        sums["units"] += pieces
        sums["revenue"] += pieces * micros / MICROS
        if tried.cost is not None:
            sums["margin"] += pieces * (micros - tried.cost) / MICROS

    def _window(self, place: int, time: int) -> Window | None:
        if self._experiment.kind is Kind.PRODUCTS:
            found = self._windows.get(place)
        else:
            at = bisect_right(self._starts, time) - 1
            found = self._ordered[at] if at >= 0 else None
        return found if found and found.start <= time < found.end else None

    def arm(self, arm: Arm) -> Mapping[str, float]:
        """What the units of an arm brought in all."""
        mine = [unit for unit, window in self._windows.items() if window.arm is arm]
        return {name: sum(self._sums[unit][name] for unit in mine) for name in FIGURES}

    def pairs(self, figure: str) -> list[Pair]:
        """The pairs whose two units are whole, by when: what an hour brought, or as a share of what was
        expected.

        Of products a pair counts by the root of what it is expected to sell: best over four invented markets.
        """
        made = []
        for pair in self._experiment.pairs:
            both = [self._windows.get(unit) for unit in pair]
            if any(one is None for one in both):
                continue
            units = sorted((one for one in both if one), key=lambda one: one.arm is not Arm.TREATMENT)
            treated, control = (self._brought(one, figure) for one in units)
            products = self._experiment.products if self._experiment.kind is Kind.PRODUCTS else ()
            weight = sum(products[unit].revenue for unit in pair) ** 0.5 if products else 1.0
            made.append(Pair(treated, control, weight))
        return made

    def _brought(self, window: Window, figure: str) -> float:
        scale = float(window.end - window.start)
        if self._experiment.kind is Kind.PRODUCTS:
            scale *= expected(self._experiment.products[window.unit], figure)
        return self._sums[window.unit][figure] / scale * MICROS if scale else 0.0


def expected(tried: Tried, figure: str) -> float:
    """What a product is expected to bring a week at the price in force; 0 where that cannot be compared."""
    if figure == "units":
        return tried.units
    if figure == "revenue":
        return tried.revenue
    return 0.0 if tried.cost is None else max(0.0, tried.units * (tried.control - tried.cost) / MICROS)


def kept(
    experiment: Experiment, counted: Sequence[Window], past: Mapping[str, Sequence[tuple[int, int]]]
) -> float:
    """The share of the counted time of all products in which the price was that of their arm.

    `past`: of each product the times and prices of the ledger since the experiment began, oldest first.
    """
    meant = total = 0
    for window in counted:
        products = experiment.products
        for tried in (
            products if experiment.kind is Kind.SWITCHBACK else products[window.unit : window.unit + 1]
        ):
            treated = _at(past.get(tried.product_id, ()), tried, window)
            total += window.end - window.start
            meant += treated if window.arm is Arm.TREATMENT else window.end - window.start - treated
    return meant / total if total else 0.0


def _at(past: Sequence[tuple[int, int]], tried: Tried, window: Window) -> int:
    """For how much of a window the treatment's price was in force."""
    held, price, since = 0, tried.control, window.start
    for time, after in past:
        if time >= window.end:
            break
        if time > since:
            held += (time - since) * (price == tried.treatment)
            since = time
        price = after
    return held + (window.end - since) * (price == tried.treatment)
