"""`aisle price proposals|approve|reject|stop|resume`: what waits for a decision, and who decided it."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.pricing_calls import TARGET, Json, Market, Target, amount, call

By = Annotated[str, typer.Option("--by", help="Who decides; stands in the ledger.")]
Note = Annotated[str, typer.Option(help="What is to be remembered of the decision.")]
Ids = Annotated[list[str], typer.Argument(help="Ids of proposals; see aisle price proposals.")]
OneProduct = Annotated[str, typer.Option(help="Only this product.")]
OneCategory = Annotated[str, typer.Option(help="Only this category path and what is below it.")]


class Status(StrEnum):
    """What became of a proposal; `all` for whatever."""

    PENDING = "pending"
    APPROVED = "approved"
    APPLIED = "applied"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    ALL = "all"


def proposals(
    status: Annotated[Status, typer.Option(help="Only these.")] = Status.PENDING,
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """List proposed prices, the latest first."""
    from aisle.pricing.v1 import pricing_pb2 as pb

    wanted = "UNSPECIFIED" if status is Status.ALL else status.name
    request = pb.ListProposalsRequest(
        market=market, status=pb.ProposalStatus.Value(f"PROPOSAL_STATUS_{wanted}"), page_size=1000
    )
    found = []
    while True:
        page = call(pricing, "ListProposals", request)
        found.extend(page.proposals)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    _show("Proposals", found, as_json)


def approve(ids: Ids, by: By, note: Note = "", pricing: Target = TARGET, as_json: Json = False) -> None:
    """Apply proposed prices, one after the other; stops at the first that is refused."""
    from aisle.pricing.v1 import pricing_pb2 as pb

    requests = [pb.ApproveProposalRequest(proposal_id=one, approver=by, note=note) for one in ids]
    _show("Applied", [call(pricing, "ApproveProposal", one).proposal for one in requests], as_json)


def reject(ids: Ids, by: By, note: Note = "", pricing: Target = TARGET, as_json: Json = False) -> None:
    """Turn proposed prices down, one after the other; stops at the first that is refused."""
    from aisle.pricing.v1 import pricing_pb2 as pb

    requests = [pb.RejectProposalRequest(proposal_id=one, actor=by, note=note) for one in ids]
    _show("Rejected", [call(pricing, "RejectProposal", one).proposal for one in requests], as_json)


def stop(
    by: By,
    reason: Annotated[str, typer.Option(help="Why.")],
    product: OneProduct = "",
    category: OneCategory = "",
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Bring list prices back at once: of the whole market, a category, or a product."""
    from aisle.pricing.v1 import pricing_pb2 as pb

    made = pb.Stop(market=market, actor=by, reason=reason, **_scope(product, category))
    stands = call(pricing, "StopPricing", pb.StopPricingRequest(stop=made)).stop
    said = f"List prices hold for {_where(product, category, market)}: {stands.reason} ({stands.actor})"
    output.show({"actor": stands.actor, "reason": stands.reason}, lambda: [said], as_json=as_json)


def resume(
    by: By,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    product: OneProduct = "",
    category: OneCategory = "",
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Lift a stop of the same scope. Ends with 1 when there is none."""
    from aisle.pricing.v1 import pricing_pb2 as pb

    request = pb.ResumePricingRequest(market=market, actor=by, reason=reason, **_scope(product, category))
    resumed = call(pricing, "ResumePricing", request).resumed
    said = "Pricing goes on for" if resumed else "Nothing was stopped for"
    output.show(
        {"resumed": resumed}, lambda: [f"{said} {_where(product, category, market)}"], as_json=as_json
    )
    if not resumed:
        raise typer.Exit(1)


def _scope(product: str, category: str) -> dict[str, Any]:
    if product and category:
        output.fail("a stop is for a product or for a category, not for both")
        raise typer.Exit(2)
    return {"product_id": product} if product else {"category": category} if category else {}


def _where(product: str, category: str, market: str) -> str:
    return f"{product or category or 'all products'} in {market}"


def _show(title: str, found: list[Any], as_json: bool) -> None:
    from google.protobuf.json_format import MessageToDict

    rows = [
        (
            one.proposal_id,
            one.product_id,
            amount(one.old_price),
            amount(one.new_price),
            _status(one),
            f"{one.effective_time.ToDatetime():%Y-%m-%d %H:%M}" if one.HasField("effective_time") else "",
            one.request_id,
            one.decider or one.proposer,
            one.note,
        )
        for one in found
    ]
    columns = ("id", "product", "old", "new", "status", "from", "request", "by", "note")
    output.show(
        {"proposals": [MessageToDict(one, preserving_proto_field_name=True) for one in found]},
        lambda: [output.table(title, columns, rows, right=("old", "new"))],
        as_json=as_json,
    )


def _status(proposal: Any) -> str:
    from aisle.pricing.v1 import pricing_pb2 as pb

    return pb.ProposalStatus.Name(proposal.status).removeprefix("PROPOSAL_STATUS_").lower()
