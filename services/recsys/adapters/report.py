"""An evaluation as one HTML page that stands alone: tables, and plots as SVG inside it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.kit import report
from services.recsys.domain import breakdown
from services.recsys.domain.breakdown import Part
from services.recsys.domain.comparison import CUTS
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.trial import Trial

_ACCURACY = ("recall", "ndcg", "mrr", "hit", "map")
_BEYOND = ("diversity", "popularity")

Row = tuple[str, float, float, float]


def write(file: Path, told: Mapping[str, Any], trials: Sequence[Trial], learnt: Interactions) -> None:
    """Writes the page about one model or two. Raises OSError, or ValueError where matplotlib is missing."""
    k = CUTS[0]
    parts: list[str] = [_facts(told), report.plot("Accuracy by k, 95% intervals", _bars(trials, _ACCURACY))]
    if len(trials) == 2:
        differences: Mapping[str, Mapping[str, float]] = told["against"]["difference"]
        rows = [(n, d["value"], d["low"], d["high"]) for n, d in differences.items() if _of(n, _ACCURACY)]
        title = f"{_name(trials[0])} less {_name(trials[1])}, paired, 95% intervals"
        parts += [report.plot(title, lambda axes: _forest(axes, rows)), _paired_table(differences)]
    popular = [breakdown.by_popularity(trial.measured, trial.cases, learnt, k) for trial in trials]
    lengths = [breakdown.by_length(trial.measured, trial.cases, k) for trial in trials]
    parts += [
        report.plot(f"Recall@{k} by popularity of the wanted item", _parts(trials, popular, "wanted")),
        report.plot(f"Recall@{k} by items in the past", _parts(trials, lengths, "cases")),
        report.plot("Beyond accuracy, 95% intervals", _bars(trials, _BEYOND)),
        *(_trial(trial) for trial in trials),
    ]
    report.write(file, "aisle evaluate recsys", parts)


def _facts(told: Mapping[str, Any]) -> str:
    names = ("protocol", "users", "items", "cases")
    facts = ", ".join(f"{name} {told[name]}" for name in names)
    return report.words(f"{facts}. All items are ranked.")


def _trial(trial: Trial) -> str:
    figures = trial.summary()
    rows = [(name, f"{e.value:.4f}", f"{e.low:.4f} to {e.high:.4f}") for name, e in figures.items()]
    rows += [(name, f"{value:.4f}", "") for name, value in trial.measured.overall.items()]
    cost = (
        f"CPU seconds: {trial.choosing:.1f} choosing, {trial.fitting:.1f} fitting, "
        f"{trial.answering:.1f} answering; at most {trial.peak_mib:.0f} MiB"
    )
    told = report.words(f"Chosen on validation: {trial.choice.words()}. {cost}.")
    return report.heading(_name(trial)) + told + report.table(("metric", "value", "95% interval"), rows)


def _paired_table(differences: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        (name, f"{d['value']:+.4f}", f"{d['low']:+.4f} to {d['high']:+.4f}", f"{d['below']:.3f}")
        for name, d in differences.items()
    ]
    return report.table(("metric", "difference", "95% interval", "resamples below 0"), rows)


def _bars(trials: Sequence[Trial], names: Sequence[str]) -> Callable[[Any], None]:
    """A group of bars for each metric and k, a colour a model."""
    wanted = [f"{name}@{k}" for k in CUTS for name in names]
    told = [trial.summary() for trial in trials]
    rows = [[(name, *figures[name]) for name in wanted] for figures in told]
    return lambda axes: _groups(axes, trials, rows)


def _parts(trials: Sequence[Trial], parts: Sequence[list[Part]], what: str) -> Callable[[Any], None]:
    rows = [[(f"{name}\n{count:,} {what}", *figure) for name, count, figure in each] for each in parts]
    return lambda axes: _groups(axes, trials, rows)


def _groups(axes: Any, trials: Sequence[Trial], rows: Sequence[Sequence[Row]]) -> None:
    width = 0.8 / len(trials)
    for at, (trial, bars) in enumerate(zip(trials, rows, strict=True)):
        places = [place - 0.4 + width * (at + 0.5) for place in range(len(bars))]
        values = [value for _, value, _, _ in bars]
        errors = [[max(v - low, 0) for _, v, low, _ in bars], [max(high - v, 0) for _, v, _, high in bars]]
        axes.bar(places, values, width * 0.92, color=report.COLOURS[at], label=_name(trial))
        axes.errorbar(places, values, yerr=errors, fmt="none", ecolor="#222", elinewidth=1, capsize=2)
    axes.set_xticks(range(len(rows[0])), [name for name, *_ in rows[0]], fontsize=9)
    axes.grid(visible=False, axis="x")
    if len(trials) > 1:
        axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)


def _forest(axes: Any, rows: Sequence[Row]) -> None:
    """A point and its interval for each metric, from the top down, and a line at no difference."""
    places = list(range(len(rows)))[::-1]
    values = [value for _, value, _, _ in rows]
    errors = [[max(v - low, 0) for _, v, low, _ in rows], [max(high - v, 0) for _, v, _, high in rows]]
    axes.errorbar(values, places, xerr=errors, fmt="o", color=report.COLOURS[0], capsize=3)
    axes.axvline(0, color="#222", linewidth=0.8)
    axes.set_yticks(places, [name for name, *_ in rows], fontsize=9)
    axes.grid(visible=False, axis="y")


def _name(trial: Trial) -> str:
    return " + ".join(name for name, _ in trial.choice.members)


def _of(metric: str, names: Sequence[str]) -> bool:
    return metric.split("@")[0] in names
