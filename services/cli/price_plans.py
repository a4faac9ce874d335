"""`aisle price markdown|promotions`: how to sell a stock until a day, and what to promote when."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.price_optimise import change, skipped
from services.cli.pricing_calls import TARGET, Json, Market, Target, amount, call

SECONDS = 120.0
_MICROS = 1_000_000
Depths = Annotated[
    list[float] | None, typer.Option("--depth", help="A cut that is allowed, 0.2 for 20%; may be repeated.")
]

Propose = Annotated[bool, typer.Option(help="Propose the plan's prices, each from its week on.")]
By = Annotated[str, typer.Option("--by", help="Who proposes; needed with --propose.")]
PlanId = Annotated[str, typer.Option(help="Of the plan; a repeated one proposes nothing twice.")]


def markdown(
    product: Annotated[str, typer.Argument(help="The product's id.")],
    until: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="The day that the stock is to be gone by, in UTC."
        ),
    ],
    stock: Annotated[int | None, typer.Option(help="Pieces; the catalogue's when not given.")] = None,
    salvage: Annotated[
        float, typer.Option(help="What a piece that is left brings; below 0 where it costs.")
    ] = 0.0,
    currency: Annotated[str, typer.Option(help="The currency of --salvage.")] = "",
    depth: Depths = None,
    propose: Propose = False,
    by: By = "",
    plan_id: PlanId = "",
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Plan the cuts that sell a stock until a day, week by week."""
    from aisle.pricing.v1 import optimization_pb2 as pb
    from google.protobuf.json_format import MessageToDict

    request = pb.PlanMarkdownRequest(product_id=product, market=market, stock=stock, depths=depth or ())
    request.until.FromDatetime(until.replace(tzinfo=UTC))
    if salvage:
        request.salvage.currency_code, request.salvage.amount_micros = currency, round(salvage * _MICROS)
    _ask_to_propose(request, propose, by, plan_id)
    answer = call(pricing, "PlanMarkdown", request, SECONDS)
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _markdown(product, answer), as_json=as_json)


def _markdown(product: str, answer: Any) -> list[Any]:
    weeks = [
        (
            f"{week.start_time.ToDatetime():%Y-%m-%d}",
            amount(week.price),
            f"{week.chance:.0%}",
            f"{week.discount_percent}%" if week.discount_percent else "",
            f"{week.units_sold:,.1f}",
            f"{week.units_left:,.1f}",
            f"{week.revenue:,.2f}",
            ", ".join(f"{step.units_left}+: {amount(step.price)}" for step in week.steps),
        )
        for week in answer.weeks
    ]
    columns = ("week from", "price", "chance", "announce", "sold", "left", "revenue", "by pieces left")
    cut = f"one cut to {amount(answer.single_cut_price)} in week {answer.single_cut_week + 1}"
    outcomes = [
        (name, change(outcome.revenue, sign=""), change(outcome.units_left, sign=""))
        for name, outcome in (
            ("this plan", answer.plan),
            ("no cut", answer.keeping),
            (cut, answer.single_cut),
        )
    ]
    names = ("", "revenue (nine seasons in ten)", "left")
    return [
        output.table(f"{answer.stock} pieces of {product}", columns, weeks, right=columns[1:7]),
        output.table("What it brings", names, outcomes, right=names[1:]),
        f"Over no cut {change(answer.over_keeping)}, over {cut} {change(answer.over_single_cut)}.",
        *_proposed(answer),
    ]


def _ask_to_propose(request: Any, propose: bool, by: str, plan_id: str) -> None:
    """Ends the command with 2 where somebody would propose without saying who and which plan."""
    if not propose:
        return
    if not by or not plan_id:
        output.fail("--propose needs --by and --plan-id")
        raise typer.Exit(2)
    request.propose.proposer, request.propose.plan_id = by, plan_id


def _proposed(answer: Any) -> list[Any]:
    if not answer.HasField("proposed"):
        return []
    told = answer.proposed
    return [
        f"Proposed: {', '.join(told.proposal_ids) or 'nothing'}. See aisle price proposals.",
        *skipped(told.skipped, "Not proposed"),
    ]


def promotions(
    weeks: Annotated[int, typer.Option(help="How many weeks.")] = 4,
    slots: Annotated[int, typer.Option(help="Products that can be promoted in a week.")] = 10,
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day, in UTC; now when not given.")
    ] = None,
    category: Annotated[str, typer.Option(help="Only this category path and what is below it.")] = "",
    depth: Depths = None,
    cannibalized: Annotated[
        float, typer.Option(help="The share of what is sold more that others of the category lose.")
    ] = 0.0,
    lift: Annotated[
        float, typer.Option(help="How many times more is sold because a promotion is shown.")
    ] = 1.0,
    apart: Annotated[int, typer.Option(help="Weeks between two promotions of a product; 6 at least.")] = 6,
    propose: Propose = False,
    by: By = "",
    plan_id: PlanId = "",
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Plan which products to promote, how deep and in which week."""
    from aisle.pricing.v1 import optimization_pb2 as pb
    from google.protobuf.json_format import MessageToDict

    request = pb.PlanPromotionsRequest(
        market=market,
        category=category,
        weeks=weeks,
        slots=slots,
        depths=depth or (),
        weeks_apart=apart,
        cannibalized_share=cannibalized,
        lift=lift,
    )
    if start:
        request.start_time.FromDatetime(start.replace(tzinfo=UTC))
    _ask_to_propose(request, propose, by, plan_id)
    answer = call(pricing, "PlanPromotions", request, SECONDS)
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _promotions(answer), as_json=as_json)


def _promotions(answer: Any) -> list[Any]:
    rows = [
        (
            f"{one.start_time.ToDatetime():%Y-%m-%d}",
            one.product_id,
            amount(one.old_price),
            amount(one.price),
            f"{one.discount_percent}% of {amount(one.reference_price)}",
            change(one.units),
            change(one.revenue),
            change(one.margin) if one.HasField("margin") else "",
            change(one.taken, sign=""),
        )
        for one in answer.promotions
    ]
    columns = ("week from", "product", "price", "promoted", "announce", "units", "revenue", "margin", "taken")
    return [
        output.table("Promotions", columns, rows, right=columns[2:]),
        f"{len(rows)} promotions of {answer.considered_count} products gain {change(answer.gain)} (90% "
        "interval of the doubt about elasticities). "
        f"Model {answer.model_version}; within {answer.gap:.2%} of the best.",
        *skipped(answer.skipped),
        *_proposed(answer),
    ]
