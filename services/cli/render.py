"""Draws a page as tables that a person likes to read."""

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.kit.money import format_money

_BOUNDS = {"from": "min_price", "up to": "max_price"}
_COLOURS = {"OK": "green", "FALLBACK": "yellow", "STALE": "yellow"}


def page(told: dict[str, Any], heading: str, *, rows: int = 100) -> Iterator[RenderableType]:
    """The page of pages.told: a heading, then a table a section of at most `rows` products."""
    yield Panel(Text(heading, style="bold"), expand=False)
    if told["name"] == "complete":
        yield Text(f"{told['status']}  " + ", ".join(told["suggestions"]))
        return
    if told.get("labels"):
        yield Text(
            "The picture shows: " + ", ".join(f"{x['name']} {x['confidence']:.0%}" for x in told["labels"])
        )
    for section in told["sections"]:
        yield _section(section, rows)
    yield from _facts(told)


def _section(section: dict[str, Any], rows: int) -> Table:
    status = Text(section["status"], style=_COLOURS.get(section["status"], "red"))
    title = Text.assemble(
        (section["title"] or section["id"], "bold"),
        "  ",
        status,
        f"  {section['served_by']}  {section['latency_ms']:g} ms",
    )
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("title", overflow="fold", ratio=3, min_width=30)
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=2, min_width=20)
    for item in section["items"][:rows]:
        pieces = f"{item['quantity']} × " if item["quantity"] > 1 else ""
        title = Text(pieces + item["title"])
        title.highlight_words(item["title_words"], "bold")
        table.add_row(str(item["position"]), title, price(item), Text(_why(item)))
    return table


def _why(item: dict[str, Any]) -> str:
    parts = [f"{name} {value:.2f}" for name, value in item["score_parts"].items() if value]
    others = [f"{item['variant_count']:,} more variants"] if item["variant_count"] else []
    return "\n".join([item["reason"], *others, *([" + ".join(parts)] if parts else [])])


def price(item: dict[str, Any]) -> Text:
    """ "$2.99 was $3.99 -25%"."""
    if item["price"] is None:
        return Text("no price", style="red")
    text = Text(item["price"]["text"])
    was = item["lowest_price_30_days"] if item["discount_percent"] else None
    if was is not None:
        text.append(f" was {was['text']} -{item['discount_percent']}%", style="green")
    return text


def _facts(told: dict[str, Any]) -> Iterator[RenderableType]:
    if "total_size" in told:
        yield Text(f"{told['total_size']:,} products match")
        yield from _understood(told)
    for key, values in told.get("facets", {}).items():
        yield Text(
            f"{key}: " + ", ".join(f"{value} ({count:,})" for value, count in list(values.items())[:8])
        )
    if told.get("total"):
        yield Text(f"Total {told['total']['text']}", style="bold")
    if told.get("missing_product_ids"):
        yield Text("Unknown products: " + ", ".join(told["missing_product_ids"]), style="red")


def _understood(told: dict[str, Any]) -> Iterator[RenderableType]:
    """What search did of itself: a corrected query, and what there would be with fewer conditions."""
    if told["corrected_query"]:
        yield Text(f"Searched for “{told['corrected_query']}”", style="yellow")
    meant = told["understanding"]
    price = [f"{side} {_money(meant[name])}" for side, name in _BOUNDS.items() if name in meant]
    named = [*meant.get("brands", ()), *meant.get("categories", ())]
    for what, words in (("Without", meant.get("excluded_words")), ("Names", named), ("Price", price)):
        if words:
            yield Text(f"{what}: {', '.join(words)}")
    if told["redirect_uri"]:
        yield Text(f"The shop sends you to {told['redirect_uri']}", style="yellow")
    if told["lifted_conditions"]:
        lifted = ", ".join(told["lifted_conditions"]).replace("_", " ")
        yield Text(f"{told['wider_total_size']:,} products match without: {lifted}", style="yellow")
    if told["related_categories"]:
        yield Text(f"See also: {', '.join(told['related_categories'])}", style="yellow")
    if told["related_queries"]:
        yield Text(f"Others searched for: {', '.join(told['related_queries'])}")


def _money(told: dict[str, str]) -> str:
    """An amount in the protos' JSON form, in which 0 is left out."""
    return format_money(told.get("currency_code", ""), int(told.get("amount_micros", 0)))


def summary(pages: list[dict[str, Any]], incomplete: dict[str, list[str]]) -> Table:
    """A line a page: its sections, their statuses, how long it took, and what it lacks."""
    table = Table(title="Pages", title_justify="left", header_style="bold")
    for column in ("page", "sections", "status", "products", "latency", "complete"):
        table.add_column(column, justify="right" if column in ("products", "latency") else "left")
    for told in pages:
        sections = told["sections"]
        wrong = incomplete.get(told["name"], [])
        table.add_row(
            told["name"],
            ", ".join(section["id"] for section in sections),
            ", ".join(sorted({section["status"] for section in sections})) or told.get("status", ""),
            str(sum(len(section["items"]) for section in sections)),
            f"{told.get('latency_ms', 0):g} ms",
            Text("yes", style="green") if not wrong else Text("; ".join(wrong[:3]), style="red"),
        )
    return table
