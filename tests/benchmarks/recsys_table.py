"""The table of docs/evaluation.md: a line a model, and the paired difference of two lines in words."""

from collections.abc import Mapping
from typing import NamedTuple

from services.recsys.domain import comparison
from services.recsys.domain.metrics import Values

HEAD = """| data | model | recall | NDCG | choose CPU s | fit CPU s | answer CPU ms | peak MiB |
|---|---|---|---|---|---|---|---|"""


class Row(NamedTuple):
    """One line of the table and the values behind it; CPU seconds, and MiB of the process."""

    name: str
    by_case: Mapping[str, Values]
    choosing: float
    fitting: float
    answering: float
    mib: float


def line(where: str, cut: int, row: Row) -> str:
    """A line of the table, in Markdown."""
    names = [f"recall@{cut}", f"ndcg@{cut}"]
    figures = comparison.summary({name: row.by_case[name] for name in names})
    cells = [f"{e.value:.4f} ({e.low:.4f} to {e.high:.4f})" for e in figures.values()]
    each = 1000 * row.answering / len(row.by_case[names[0]])
    costs = f"{row.choosing:.0f} | {row.fitting:.1f} | {each:.2f} | {row.mib:.0f}"
    return f"| {where} | {row.name} | {' | '.join(cells)} | {costs} |"


def against(first: Row, second: Row, cut: int) -> str:
    """The paired difference in words."""
    name = f"ndcg@{cut}"
    found = comparison.paired({name: first.by_case[name]}, {name: second.by_case[name]})[name]
    return (
        f"{first.name} less {second.name}: {name} {found.value:+.4f} "
        f"({found.low:+.4f} to {found.high:+.4f}), below 0 in {found.below:.1%} of resamples; "
        f"fit CPU {first.fitting / max(second.fitting, 1e-9):.2f} times"
    )
