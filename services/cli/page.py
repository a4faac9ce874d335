"""`aisle page NAME`: asks the gateway for a page and shows it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.settings import Config

_SUBJECT = "search and complete: what was typed; product: an id; cart: ids, ID or ID=PIECES; image: a file"


def command(
    name: Annotated[str, typer.Argument(help="home, search, product, cart, image or complete")],
    subject: Annotated[list[str] | None, typer.Argument(help=_SUBJECT)] = None,
    user: Annotated[str, typer.Option(help="The signed-in shopper's id.")] = "",
    visitor: Annotated[str, typer.Option(help="The browser's id.")] = "",
    category: Annotated[
        list[str] | None, typer.Option(help="Only below this category path; may be repeated.")
    ] = None,
    brand: Annotated[list[str] | None, typer.Option(help="Only this brand; may be repeated.")] = None,
    facet: Annotated[
        list[str] | None, typer.Option(help="Count by category, brand, price, availability, attributes.NAME.")
    ] = None,
    order_by: Annotated[str, typer.Option(help="relevance, price or -price (search only)")] = "",
    highlight: Annotated[
        bool, typer.Option("--highlight", help="Mark what of each title matched (search only).")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell the parts of each score (search only).")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="The words as typed, nothing corrected (search only).")
    ] = False,
    facet_prefix: Annotated[
        list[str] | None, typer.Option(help="KEY=TEXT: values of a --facet that begin so; may be repeated.")
    ] = None,
    box: Annotated[
        str, typer.Option(help="LEFT,TOP,RIGHT,BOTTOM of the part to look at, each 0 to 1 (image only).")
    ] = "",
    attribute: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE or NAME=FROM..BELOW: only such products; of one name any is enough."),
    ] = None,
    group_variants: Annotated[
        bool, typer.Option("--group-variants", help="One result for all variants of a product (search only).")
    ] = False,
    size: Annotated[int, typer.Option(help="Products in a section; 0 leaves it to the gateway.")] = 0,
    gateway: Annotated[str, typer.Option(help="host:port; AISLE_GATEWAY when not given")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show a page."""
    import grpc

    from services.cli import pages, render
    from services.kit.errors import reason_of

    if name not in pages.PAGES:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(pages.PAGES)}", param_hint="NAME")
    words = subject or []
    asked = pages.Asked(
        user=user, visitor=visitor, categories=category or (), brands=brand or (), facets=facet or (),
        order_by=order_by, page_size=size, highlight=highlight, explain=explain, exact=exact,
        facet_prefixes=prefixes(facet_prefix or []), attributes=attributes(attribute or []), box=part(box),
        group_variants=group_variants,
        **about(name, words),
    )  # fmt: skip
    config = Config()
    try:
        told = asyncio.run(ask(gateway or config.gateway, name, asked, config.page_seconds))
    except grpc.RpcError as error:
        reason = reason_of(error) or error.code().name
        output.fail(f"no {name} page: {reason} {error.details()}. `aisle doctor` looks what is wrong")
        raise typer.Exit(1) from None
    heading = " ".join(["aisle page", name, *words, *(["for", user] if user else [])])
    output.show(told, lambda: render.page(told, heading), as_json=as_json)


async def ask(gateway: str, name: str, asked: Any, seconds: float) -> dict[str, Any]:
    """One page over a channel of its own. Raises grpc.RpcError."""
    from services.cli import pages
    from services.kit.channels import connect

    async with connect(gateway) as channel:
        return await pages.ask(channel, name, asked, seconds)


def about(name: str, words: list[str]) -> dict[str, Any]:
    """The part of Asked that the words after the page's name say. Raises typer.BadParameter."""
    if name in ("search", "complete"):
        return {"query": " ".join(words)}
    if name == "cart":
        return {"lines": [_line(word) for word in words]}
    if name == "home":
        return {}
    if len(words) != 1:
        raise typer.BadParameter(f"page {name} wants one {'file' if name == 'image' else 'product id'}")
    if name == "product":
        return {"product": words[0]}
    try:
        return {"image": Path(words[0]).read_bytes()}
    except OSError as error:
        raise typer.BadParameter(str(error)) from None


def prefixes(given: list[str]) -> dict[str, str]:
    """KEY=TEXT by key. Raises typer.BadParameter."""
    for each in given:
        if "=" not in each:
            raise typer.BadParameter(f"{each!r}: expected KEY=TEXT")
    return dict(each.split("=", 1) for each in given)


def part(text: str) -> tuple[float, float, float, float] | None:
    """The box that LEFT,TOP,RIGHT,BOTTOM says, None for "". Raises typer.BadParameter."""
    try:
        left, top, right, bottom = map(float, text.split(","))
    except ValueError:
        if not text:
            return None
        raise typer.BadParameter(f"{text!r}: expected LEFT,TOP,RIGHT,BOTTOM", param_hint="--box") from None
    return left, top, right, bottom


def attributes(given: list[str]) -> list[Any]:
    """NAME=VALUE and NAME=FROM..BELOW as filters. Raises typer.BadParameter."""
    from aisle.search.v1 import search_pb2

    found: dict[str, Any] = {}
    for each in given:
        name, is_given, value = each.partition("=")
        if not name or not is_given or not value:
            raise typer.BadParameter(f"{each!r}: expected NAME=VALUE or NAME=FROM..BELOW")
        wanted = found.setdefault(name, search_pb2.AttributeFilter(name=name))
        low, is_range, high = value.partition("..")
        try:
            if not is_range:
                wanted.values.append(value)
            if is_range and low:
                wanted.minimum = float(low)
            if is_range and high:
                wanted.below = float(high)
        except ValueError:
            raise typer.BadParameter(f"{each!r}: bounds are numbers") from None
    return list(found.values())


def _line(word: str) -> tuple[str, int]:
    product, _, pieces = word.rpartition("=")
    if not product:
        return word, 1
    if not pieces.isdecimal():
        raise typer.BadParameter(f"{word!r}: expected ID or ID=PIECES")
    return product, int(pieces)
