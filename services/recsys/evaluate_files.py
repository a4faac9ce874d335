"""`aisle evaluate recsys --interactions FILE`: any model, or the protocol's own choice, on files."""

from pathlib import Path
from typing import Any

from services.kit.progress import Metric, Progress
from services.recsys.adapters import interaction_files
from services.recsys.adapters.report import write
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.protocols import PROTOCOLS
from services.recsys.domain.trial import Trial, check, differences, run


def on_files(
    interactions: Path,
    test: Path | None,
    protocol: str | None,
    model: str | None,
    against: str | None,
    report: Path | None,
    progress: Progress,
) -> dict[str, Any]:
    """What `aisle evaluate recsys` tells of files. Raises OSError and ValueError with what is wrong."""
    files = interaction_files.read(interactions, test)
    return on_data(files.data, files.future, protocol, model, against, report, progress)


def on_data(
    data: Interactions,
    future: Interactions | None,
    protocol: str | None,
    model: str | None,
    against: str | None,
    report: Path | None,
    progress: Progress,
) -> dict[str, Any]:
    """The figures of one model, and the paired difference to another, on a protocol's cases.

    `report`: where to write them as a page with plots.
    """
    if protocol is None or protocol not in PROTOCOLS:
        raise ValueError(f"--protocol must be one of {', '.join(PROTOCOLS)}, not {protocol}")
    for name in (model, against):
        check(name)
    if report is not None and not report.parent.is_dir():
        raise FileNotFoundError(f"{report.parent}, where the report shall stand, is no folder")
    split = PROTOCOLS[protocol](data, future)
    first = run(protocol, split, model, progress)
    found = {"users": data.users, "items": data.items, "all_cases": len(split.test)}
    told = {"protocol": protocol, **found, **facts(first)}
    trials = [first]
    if against is not None:
        trials.append(run(protocol, split, against, progress))
        paired = {name: found._asdict() for name, found in differences(*trials).items()}
        told["against"] = {**facts(trials[1]), "difference": paired}
    if report is not None:
        write(report, told, trials, split.full)
    return told


def facts(trial: Trial) -> dict[str, Any]:
    """One model's part: CPU seconds are of all threads, MiB the most that the process held so far."""
    figures = {name: Metric(value=e.value, low=e.low, high=e.high) for name, e in trial.summary().items()}
    whole = {name: Metric(value=v, low=None, high=None) for name, v in trial.measured.overall.items()}
    return {
        "model": trial.model.name,
        "cases": len(trial.cases),
        "metrics": {**figures, **whole},
        "choice": trial.choice.words(),
        "chosen": trial.choice.told(),
        "cpu_seconds": round(trial.choosing + trial.fitting + trial.answering, 2),
        "choose_cpu_seconds": round(trial.choosing, 2),
        "fit_cpu_seconds": round(trial.fitting, 2),
        "answer_cpu_seconds": round(trial.answering, 2),
        "peak_mib": round(trial.peak_mib),
    }
