"""`--report FILE.html` of `aisle price explain` and `what-if`: what is told there, as pictures."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import typer

from services.cli import output
from services.cli.pricing_calls import amount, call
from services.kit import report

_NOW, _PROPOSED, _BEST, _LINE = report.COLOURS
_MICROS: Final = 1_000_000
_PAGE: Final = 1_000
_LEADER: Final = {"arrowstyle": "-", "linewidth": 1.4, "relpos": (0, 0), "shrinkA": 0, "shrinkB": 0}
_SECONDS: Final = 60.0
_NEAR: Final = timedelta(days=90)
"""Weeks that ended longer before the ledger began are shown without it."""


def explained(file: Path, pricing: str, market: str, answer: Any) -> None:
    """Writes the page of one price. Ends the command with 1 where that cannot be."""
    from aisle.pricing.v1 import curve_pb2
    from aisle.pricing.v1 import pricing_pb2 as pb

    product = answer.quote.product_id
    asked = curve_pb2.DescribeDemandRequest(product_id=product, market=market)
    demand = call(pricing, "DescribeDemand", asked, _SECONDS)
    history = pb.ListPriceHistoryRequest(product_id=product, market=market, page_size=_PAGE)
    entries = call(pricing, "ListPriceHistory", history).entries
    waits = pb.ListProposalsRequest(market=market, status=pb.PROPOSAL_STATUS_PENDING, page_size=_PAGE)
    proposed = [one for one in call(pricing, "ListProposals", waits).proposals if one.product_id == product]
    wanted = _units(proposed[0].new_price) if proposed else None
    steps = [(_rule(one.rule), amount(one.before), amount(one.after), one.text) for one in answer.steps]
    _write(
        file,
        f"The price of {product}",
        lambda: [
            report.words(_summary(answer, demand, wanted)),
            report.plot("Demand", lambda axes: _curve(axes, demand, answer, wanted, "units"), 4.2),
            report.plot(*_value(demand, answer, wanted)),
            report.plot("The price over time", lambda axes: _path(axes, entries, demand)),
            report.table(("rule", "before", "after", "why"), steps),
        ],
    )


def tried(file: Path, answer: Any) -> None:
    """Writes the page of a what-if. Ends the command with 1 where that cannot be."""
    weeks = f"{answer.week_count} weeks, bands and bars hold 90%. Model {answer.model_version}."
    _write(
        file,
        "What other prices would have brought",
        lambda: [
            report.words(weeks),
            report.plot("Revenue, week by week", lambda axes: _weekly(axes, answer)),
            report.plot("Change of revenue by category", lambda axes: _categories(axes, answer), 5.0),
        ],
    )


def _write(file: Path, title: str, parts: Any) -> None:
    try:
        report.write(file, title, parts())
    except (OSError, ValueError) as error:
        output.fail(str(error))
        raise typer.Exit(1) from None


def _summary(answer: Any, demand: Any, wanted: float | None) -> str:
    currency = answer.quote.price.currency_code
    said = [
        f"{amount(answer.quote.price)} {currency}: {answer.quote.reason}.",
        f"Elasticity {demand.elasticity:.2f} with a standard error of {demand.elasticity_error:.2f}"
        + (", its category's: its price never moved." if demand.prior_only else "."),
        f"It is believed from {_units(demand.lowest_price):.2f} to {_units(demand.highest_price):.2f}.",
    ]
    if wanted is not None:
        said.append(f"A proposal for {wanted:.2f} waits.")
    if demand.HasField("best_price"):
        goal = _word(demand, "objective")
        said.append(f"Most {goal} is expected at {amount(demand.best_price)}, whatever rules say.")
    return " ".join([*said, f"Model {demand.model_version}."])


def _value(demand: Any, answer: Any, wanted: float | None) -> tuple[str, Any, float]:
    figure = "margin" if demand.points and demand.points[0].HasField("margin") else "revenue"
    return (
        f"{figure.capitalize()} a week",
        lambda axes: _curve(axes, demand, answer, wanted, figure),
        3.4,
    )


def _curve(axes: Any, demand: Any, answer: Any, wanted: float | None, figure: str) -> None:
    """A figure by price with its 90% band, the weeks behind it, prices that matter, what rules forbid."""
    prices = [_units(one.price) for one in demand.points]
    told = [getattr(one, figure) for one in demand.points]
    low, high = demand.lowest_price.amount_micros, demand.highest_price.amount_micros
    believed = [low <= one.price.amount_micros <= high for one in demand.points]
    axes.fill_between(
        prices, [one.low for one in told], [one.high for one in told], color=_NOW, alpha=0.15, linewidth=0,
        label="90% of the doubt about the elasticity",
    )  # fmt: skip
    axes.plot(prices, [one.value for one in told], color=_NOW, linewidth=1, linestyle=(0, (2, 2)))
    inside = [(price, one.value) for price, one, known in zip(prices, told, believed, strict=True) if known]
    axes.plot(*zip(*inside, strict=True), color=_NOW, linewidth=2.2, label="expected")
    if figure == "units" and demand.weeks:
        ages = range(len(demand.weeks))
        axes.scatter(
            [_units(week.price) for week in demand.weeks], [week.units for week in demand.weeks], s=16,
            c=list(ages), cmap="Greys", vmin=-len(demand.weeks) / 2, linewidths=0,
            label="weeks, later ones darker",
        )  # fmt: skip
    axes.set_xlim(prices[0], prices[-1])
    most = max(one.value for one in told)
    axes.set_ylim(max(min(0.0, *(one.low for one in told)), -0.4 * most), None)
    _marks(axes, demand, answer, wanted)
    _forbidden(axes, answer, prices)
    axes.set_xlabel(f"price, {answer.quote.price.currency_code}")
    axes.set_ylabel("pieces a week" if figure == "units" else f"{answer.quote.price.currency_code} a week")
    report.legend(axes)


def _marks(axes: Any, demand: Any, answer: Any, wanted: float | None) -> None:
    """The price in force, the one that is proposed, and the one that would bring most."""
    best = _units(demand.best_price) if demand.HasField("best_price") else None
    marks = (
        (_units(answer.quote.price), _LINE, "now"),
        (wanted, _PROPOSED, "proposed"),
        (best, _BEST, "best"),
    )
    told = [(price, colour, name) for price, colour, name in marks if price is not None]
    for height, (price, colour, name) in enumerate(sorted(told, reverse=True)):
        axes.axvline(price, color=colour, linewidth=1.4)
        axes.annotate(
            f"{name} {price:.2f}", (price, 1), xycoords=("data", "axes fraction"), color=colour, fontsize=9,
            xytext=(0, 4 + 13 * height), textcoords="offset points",
            arrowprops={"color": colour, **_LEADER},
        )  # fmt: skip


def _forbidden(axes: Any, answer: Any, prices: Sequence[float]) -> None:
    """What floor, ceiling and step leave out, shaded, named at its edge."""
    low = [(_units(one.low), one.rule) for one in answer.steps if one.HasField("low")]
    high = [(_units(one.high), one.rule) for one in answer.steps if one.HasField("high")]
    for edges, side, pick in ((low, prices[0], max), (high, prices[-1], min)):
        if edges and prices[0] < pick(edges)[0] < prices[-1]:
            edge, rule = pick(edges)
            axes.axvspan(edge, side, facecolor="#777", alpha=0.12, linewidth=0)
            axes.annotate(
                _rule(rule), (edge, 0), xycoords=("data", "axes fraction"), fontsize=8, color="#555",
                xytext=(-4 if pick is max else 4, 6), textcoords="offset points",
                ha="right" if pick is max else "left",
            )  # fmt: skip


def _path(axes: Any, entries: Sequence[Any], demand: Any) -> None:
    """What shoppers paid: the weekly means of the model's weeks, and the ledger's prices where it reaches
    there.
    """
    told = sorted(entries, key=lambda one: one.effective_time.ToMicroseconds())
    times = [one.effective_time.ToDatetime() for one in told]
    weeks = [one.start_time.ToDatetime() for one in demand.weeks]
    if weeks:
        paid = [_units(one.price) for one in demand.weeks]
        axes.step(
            weeks, paid, where="post", color="#999", linewidth=1, label="mean of what a week's orders paid"
        )
    if not weeks or times[0] < weeks[-1] + _NEAR:
        until = max(datetime.now(UTC).replace(tzinfo=None), times[-1])
        prices = [_units(one.price) for one in told]
        axes.step(
            [*times, until], [*prices, prices[-1]], where="post", color=_LINE, linewidth=2, label="the ledger"
        )
    else:
        axes.axhline(_units(told[-1].price), color=_LINE, linewidth=1.4, label="now")
    axes.set_ylabel(told[-1].price.currency_code)
    axes.tick_params(axis="x", labelsize=8)
    report.legend(axes)


def _weekly(axes: Any, answer: Any) -> None:
    weeks, ends = answer.total.weekly_revenue, range(1, len(answer.total.weekly_revenue) + 1)
    axes.fill_between(
        ends, [one.low for one in weeks], [one.high for one in weeks], color=_PROPOSED, alpha=0.2, linewidth=0
    )
    axes.plot(ends, [one.simulated for one in weeks], color=_PROPOSED, marker="o", label="would have been")
    axes.plot(ends, [one.actual for one in weeks], color=_NOW, marker="o", label="was")
    axes.set_ylim(0, None)
    axes.set_xticks(list(ends))
    axes.set_xlabel("week")
    axes.set_ylabel(answer.currency_code)
    axes.legend(frameon=False)


def _categories(axes: Any, answer: Any) -> None:
    """The 20 largest categories, a point and its interval each."""
    told = list(answer.categories)[:20][::-1]
    for place, one in enumerate(told):
        revenue = one.revenue
        change, low, high = ((end - revenue.actual) for end in (revenue.simulated, revenue.low, revenue.high))
        axes.plot([low, high], [place, place], color=_NOW, linewidth=2, solid_capstyle="round")
        axes.plot(change, place, "o", color=_NOW)
    axes.axvline(0, color="#222", linewidth=0.8)
    axes.set_yticks(range(len(told)), [one.category or "no category" for one in told], fontsize=8)
    axes.set_xlabel(answer.currency_code)


def _units(money: Any) -> float:
    return float(money.amount_micros) / _MICROS


def _rule(rule: int) -> str:
    from aisle.pricing.v1 import pricing_pb2 as pb

    return pb.PriceRule.Name(rule).removeprefix("PRICE_RULE_").replace("_", " ").lower()  # type: ignore[arg-type]


def _word(one: Any, field: str) -> str:
    kind = one.DESCRIPTOR.fields_by_name[field].enum_type
    return str(kind.values_by_number[getattr(one, field)].name.rpartition("_")[2]).lower()
