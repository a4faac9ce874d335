"""Pages that stand alone in one HTML file: tables, and plots as SVG inside them."""

import html
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

COLOURS: Final = ("#1f5fa8", "#c2611f", "#2a8a3e", "#7a4fa3")
"""Of what is compared, in order."""

_STYLE: Final = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem;
padding: 0 1rem; color: #222 } table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top }
td + td { font-variant-numeric: tabular-nums } th { border-bottom: 1px solid #999 }
svg { max-width: 100%; height: auto } .what { color: #555 }"""


def write(file: Path, title: str, parts: Iterable[str], style: str = "") -> None:
    """Writes a page, with `style` (CSS) after the house's own. Raises OSError."""
    name = html.escape(title)
    head = f"<!doctype html><meta charset=utf-8><title>{name}</title><style>{_STYLE}\n{style}</style>"
    file.write_text("\n".join((head, f"<h1>{name}</h1>", *parts)), encoding="utf-8")


def heading(text: str) -> str:
    """What begins a part."""
    return f"<h2>{html.escape(text)}</h2>"


def words(text: str) -> str:
    """A paragraph."""
    return f"<p class=what>{html.escape(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, its head left out where it is empty; the first column names what the others tell."""
    top = "".join(f"<th>{html.escape(cell)}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{top}{body}</table>"


def plot(title: str, draw: Callable[[Any], None], height: float = 3.4) -> str:
    """A heading and the picture that `draw` makes on matplotlib axes; `height` in inches, 9 wide.

    Raises ValueError where matplotlib is missing.
    """
    try:
        import matplotlib
    except ImportError:
        raise ValueError("--report needs matplotlib: pip install 'aisle[train]'") from None
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "font.family": "sans-serif"}):
        figure = Figure(figsize=(9, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e4e4e4", linewidth=0.6)
        axes.set_axisbelow(True)
        draw(axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return heading(title) + svg[svg.index("<svg") :]


def legend(axes: Any) -> None:
    """Names what is drawn, under the picture, where it hides nothing."""
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(-0.01, -0.17), ncols=5)
