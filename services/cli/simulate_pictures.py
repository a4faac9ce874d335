"""`aisle simulate pricing --report FILE.html`: which prices were asked on the way, and what they earned."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.kit import report

if TYPE_CHECKING:
    from services.pricing.domain.markets import Market
    from services.pricing.domain.simulation import Path as Way

SHOWN: Final = ("thompson", "greedy", "ucb1")


class Walk(NamedTuple):
    """How a policy went in a market."""

    market: "Market"
    policy: str
    guarded: bool
    way: "Way"

    @property
    def name(self) -> str:
        """As the pictures call it."""
        return f"{self.policy}, guardrails on" if self.guarded else self.policy


def write(file: Path, told: Mapping[str, Any], walks: Sequence[Walk]) -> None:
    """Writes the page. Raises OSError, ValueError without matplotlib."""
    parts = [report.words(f"{told['runs']} runs of each policy; bands hold eight runs in ten.")]
    for name in dict.fromkeys(walk.market.name for walk in walks):
        mine = [walk for walk in walks if walk.market.name == name and walk.policy in SHOWN]
        parts += [
            report.plot(f"{name}: the prices asked", partial(_prices, mine), 3.8),
            report.plot(f"{name}: earned of the optimum so far", partial(_shares, mine)),
        ]
    report.write(file, f"Learning prices in {told['market']}", parts)


def _prices(walks: Sequence[Walk], axes: Any) -> None:
    """Each policy's mean price; the sampler's band, and the mean price of perfect knowledge."""
    market = walks[0].market
    for colour, walk in zip(report.COLOURS, walks, strict=False):
        axes.plot(walk.way.shoppers, walk.way.price, color=colour, linewidth=1.8, label=walk.name)
        if walk.policy == SHOWN[0]:
            axes.fill_between(
                walk.way.shoppers, walk.way.low, walk.way.high, color=colour, alpha=0.12, linewidth=0
            )
    axes.axhline(walks[0].way.best, color="#222", linewidth=1, linestyle=(0, (4, 3)), label="the optimum's")
    axes.set_ylim(market.prices[0] * 0.9, market.prices[-1] * 1.03)
    axes.set_xlabel("shoppers")
    axes.set_ylabel("price")
    report.legend(axes)


def _shares(walks: Sequence[Walk], axes: Any) -> None:
    for colour, walk in zip(report.COLOURS, walks, strict=False):
        axes.plot(walk.way.shoppers, walk.way.share, color=colour, linewidth=1.8, label=walk.name)
    axes.axhline(1, color="#222", linewidth=1, linestyle=(0, (4, 3)), label="the optimum")
    axes.set_ylim(0, 1.25)
    axes.set_xlabel("shoppers")
    report.legend(axes)
