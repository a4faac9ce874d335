"""Quotes, explanations and histories to messages."""

from collections.abc import Sequence

from aisle.pricing.v1 import demand_pb2
from aisle.pricing.v1 import pricing_pb2 as pb

from services.pricing.domain import words
from services.pricing.domain.account import Entry
from services.pricing.domain.audit import Audit
from services.pricing.domain.errors import TooManyItems
from services.pricing.domain.limits import MAX_QUOTED, MICROS
from services.pricing.domain.pipeline import Rule
from services.pricing.domain.ports import Known, Story
from services.pricing.domain.product import Basis
from services.pricing.domain.quotes import Quote, quote
from services.pricing.wire.common import from_amount, from_money, from_time, to_product_id
from services.pricing.wire.policies import from_policy, from_stop

_BASES = {basis: pb.PriceBasis.values()[basis] for basis in Basis}
_RULES = {rule: pb.PriceRule.values()[rule] for rule in Rule}


def to_product_ids(request: pb.QuotePricesRequest) -> list[str]:
    """The products to quote. Raises TooManyItems, ServiceError."""
    if len(request.product_ids) > MAX_QUOTED:
        raise TooManyItems(f"at most {MAX_QUOTED} products", field="product_ids")
    return [to_product_id(product_id, "product_ids") for product_id in request.product_ids]


def from_quote(quote: Quote) -> pb.Quote:
    """A quote."""
    message = pb.Quote(
        product_id=quote.product_id,
        price=from_money(quote.currency, quote.price),
        discount_percent=quote.discount_percent,
        basis=_BASES[quote.basis],
        reason=words.reason(quote.rule, quote.basis),
    )
    if quote.list_price is not None:
        message.list_price.CopyFrom(from_money(quote.currency, quote.list_price))
    if quote.lowest is not None:
        message.lowest_price_30_days.CopyFrom(from_money(quote.currency, quote.lowest))
    return message


def from_story(product_id: str, story: Story, now: int, known: Known | None) -> pb.ExplainPriceResponse:
    """The price now, the steps to it, the policy or the stop that applied, and what is known of demand."""
    state, terms = story.state, story.terms
    steps = [
        pb.PriceStep(
            rule=_RULES[move.rule],
            before=from_money(state.currency, move.before),
            after=from_money(state.currency, move.after),
            text=words.step(move, story.facts, terms, state.day_ago),
            low=from_amount(state.currency, move.low),
            high=from_amount(state.currency, move.high),
        )
        for move in story.moves
    ]
    return pb.ExplainPriceResponse(
        quote=from_quote(quote(product_id, state, now)),
        steps=steps,
        policy=from_policy(terms.policy) if terms.policy else None,
        stop=from_stop(terms.stop) if terms.stop else None,
        demand=_known(known) if known else None,
    )


def _known(known: Known) -> demand_pb2.KnownDemand:
    response = known.response
    return demand_pb2.KnownDemand(
        model_version=known.version,
        usual_price=from_money(response.currency, round(response.price * MICROS)),
        weekly_units=response.weekly_units,
        elasticity=response.elasticity,
        elasticity_error=response.elasticity_error,
        prior_only=response.prior_only,
        cross_elasticity=response.cross_elasticity,
        cross_elasticity_error=response.cross_error,
        substitutes=[
            demand_pb2.Substitute(product_id=one, elasticity=elasticity, elasticity_error=error)
            for one, elasticity, error in known.substitutes
        ],
        outlook=[
            _likely(response.currency, week, amounts)
            for week, amounts in enumerate(response.outlook, start=1)
        ],
    )


def _likely(currency: str, week: int, amounts: Sequence[float]) -> demand_pb2.LikelyPrice:
    price, low, high = (from_money(currency, round(one * MICROS)) for one in amounts)
    return demand_pb2.LikelyPrice(week=week, price=price, low=low, high=high)


def from_entry(entry: Entry) -> pb.PriceHistoryEntry:
    """A ledger entry."""
    return pb.PriceHistoryEntry(
        price=from_money(entry.currency, entry.price),
        effective_time=from_time(entry.time),
        basis=_BASES[entry.basis],
        reason=words.reason(entry.rule, entry.basis),
        previous_price=from_amount(entry.currency, entry.previous),
        audit=from_audit(entry.currency, entry.audit) if entry.audit else None,
    )


def from_audit(currency: str, audit: Audit) -> pb.PriceAudit:
    """What a price was made from."""
    return pb.PriceAudit(
        base=from_money(currency, audit.base),
        cost=from_amount(currency, audit.cost),
        price_a_day_ago=from_amount(currency, audit.day_ago),
        policy=audit.policy,
        policy_update_time=None if audit.policy_time is None else from_time(audit.policy_time),
        proposal_id="" if audit.proposal is None else str(audit.proposal),
        approver=audit.approver,
        model_version=audit.model,
        elasticity=audit.elasticity,
        elasticity_error=audit.elasticity_error,
        propensity=audit.propensity,
        competitor_price=from_amount(currency, audit.rival),
        competitor=audit.competitor,
        experiment_id="" if audit.experiment is None else str(audit.experiment),
        experiment_arm=audit.arm,
    )
