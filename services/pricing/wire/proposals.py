"""Proposals to messages, and back."""

from collections.abc import Sequence

from aisle.pricing.v1 import pricing_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from services.kit.errors import ServiceError
from services.kit.ids import check_id
from services.pricing.domain.errors import InvalidValue, ProposalNotFound, TooManyItems
from services.pricing.domain.limits import MAX_CONSTRAINTS, MAX_NAME_BYTES, MAX_QUOTED, MICROS, SECOND
from services.pricing.domain.pipeline import Rule
from services.pricing.domain.ports import Answer, Ask
from services.pricing.domain.proposal import (
    ALLOWED_INPUTS,
    LIFE,
    LONGEST_LIFE,
    Evidence,
    Interval,
    Proposal,
    Status,
    Wish,
)
from services.pricing.wire.common import (
    from_money,
    from_time,
    to_actor,
    to_finite,
    to_market,
    to_money,
    to_note,
    to_product_id,
    to_text,
)

_RULES = {rule: pb.PriceRule.values()[rule] for rule in Rule}
_STATUSES = {status: pb.ProposalStatus.values()[status] for status in Status}


def to_ask(request: pb.ProposePricesRequest) -> Ask:
    """Prices to propose. Raises ServiceError, InvalidValue, TooManyItems."""
    if not request.prices:
        raise ServiceError("REQUIRED", "prices are required", field="prices")
    if len(request.prices) > MAX_QUOTED:
        raise TooManyItems(f"at most {MAX_QUOTED} prices", field="prices")
    if request.request_id:
        check_id(request.request_id, "request_id")
    wishes = [_wish(price, f"prices[{place}]") for place, price in enumerate(request.prices)]
    if len({wish.product_id for wish in wishes}) < len(wishes):
        raise InvalidValue("a product stands there twice", field="prices.product_id")
    life = _life(request.life) if request.HasField("life") else LIFE
    proposer = to_actor(request.proposer, "proposer")
    return Ask(to_market(request.market), wishes, proposer, request.request_id, life)


def _life(message: Duration) -> int:
    micros = message.seconds * SECOND + message.nanos // 1_000
    if not 0 < micros <= LONGEST_LIFE:
        raise InvalidValue("life must be over 0, to 90 days", field="life")
    return micros


def _wish(message: pb.WantedPrice, field: str) -> Wish:
    product_id = to_product_id(message.product_id, f"{field}.product_id")
    money = to_money(message.price, f"{field}.price")
    return Wish(product_id, money, to_evidence(message.evidence, f"{field}.evidence"))


def to_evidence(message: pb.Evidence, field: str) -> Evidence:
    """Why a price is proposed. Raises ServiceError, InvalidValue, TooManyItems."""
    if len(message.constraints) > MAX_CONSTRAINTS:
        raise TooManyItems(f"at most {MAX_CONSTRAINTS} constraints", field=f"{field}.constraints")
    propensity = _number(message, "propensity", field)
    if propensity is not None and not 0 < propensity <= 1:
        raise InvalidValue("a propensity is over 0, to 1", field=f"{field}.propensity")
    return Evidence(
        model=to_text(message.model_version, f"{field}.model_version", MAX_NAME_BYTES),
        elasticity=_number(message, "elasticity", field),
        elasticity_error=_number(message, "elasticity_error", field),
        propensity=1.0 if propensity is None else propensity,
        units=_interval(message, "units", field, 1),
        revenue=_interval(message, "revenue", field, MICROS),
        margin=_interval(message, "margin", field, MICROS),
        inputs=_inputs(message.inputs, f"{field}.inputs"),
        constraints=tuple(to_note(text, f"{field}.constraints") for text in message.constraints),
        reason=to_note(message.reason, f"{field}.reason"),
    )


def _inputs(names: Sequence[str], field: str) -> tuple[str, ...]:
    if unknown := set(names) - ALLOWED_INPUTS:
        message = f"a price may not be made from {', '.join(sorted(unknown))[:MAX_NAME_BYTES]}"
        raise InvalidValue(message, field=field)
    return tuple(sorted(set(names)))


def _number(message: pb.Evidence, name: str, field: str) -> float | None:
    return to_finite(getattr(message, name), f"{field}.{name}") if message.HasField(name) else None  # type: ignore[arg-type]


def _interval(message: pb.Evidence, name: str, field: str, scale: int) -> Interval | None:
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    told: pb.Expectation = getattr(message, name)
    ends = (told.value, told.low, told.high)
    return Interval(*(to_finite(end, f"{field}.{name}") * scale for end in ends))


def to_number(proposal_id: str) -> int:
    """A proposal's number. Raises ServiceError, ProposalNotFound for an id that was never given out."""
    check_id(proposal_id, "proposal_id")
    if not proposal_id.isdecimal() or len(proposal_id) > 18:
        raise ProposalNotFound("no proposal has this id", field="proposal_id")
    return int(proposal_id)


def to_status(value: int) -> Status | None:
    """The status to list, None for all. Raises InvalidValue."""
    try:
        return Status(value) if value else None
    except ValueError:
        raise InvalidValue("no status has this number", field="status") from None


def from_answer(answer: Answer) -> pb.ProposePricesResponse:
    """What came of an ask."""
    skipped = [pb.SkippedProduct(product_id=one.product_id, reason=one.reason) for one in answer.skipped]
    return pb.ProposePricesResponse(proposals=from_proposals(answer.proposals), skipped=skipped)


def from_proposals(proposals: Sequence[Proposal]) -> list[pb.Proposal]:
    """Proposals."""
    return [from_proposal(proposal) for proposal in proposals]


def from_proposal(proposal: Proposal) -> pb.Proposal:
    """A proposal."""
    return pb.Proposal(
        proposal_id=str(proposal.number),
        market=proposal.market,
        product_id=proposal.product_id,
        old_price=from_money(proposal.currency, proposal.old),
        new_price=from_money(proposal.currency, proposal.new),
        binding_rule=_RULES[proposal.rule],
        status=_STATUSES[proposal.status],
        note=proposal.note,
        evidence=from_evidence(proposal.evidence),
        proposer=proposal.proposer,
        create_time=from_time(proposal.created),
        expire_time=from_time(proposal.expires),
        decider=proposal.decided_by,
        decide_time=None if proposal.decided is None else from_time(proposal.decided),
        request_id=proposal.request_id,
        effective_time=None if proposal.starts is None else from_time(proposal.starts),
    )


def from_evidence(evidence: Evidence) -> pb.Evidence:
    """Why a price is proposed."""
    return pb.Evidence(
        model_version=evidence.model,
        elasticity=evidence.elasticity,
        elasticity_error=evidence.elasticity_error,
        propensity=evidence.propensity,
        units=_expectation(evidence.units, 1),
        revenue=_expectation(evidence.revenue, MICROS),
        margin=_expectation(evidence.margin, MICROS),
        constraints=evidence.constraints,
        inputs=evidence.inputs,
        reason=evidence.reason,
    )


def _expectation(interval: Interval | None, scale: int) -> pb.Expectation | None:
    if interval is None:
        return None
    return pb.Expectation(value=interval.value / scale, low=interval.low / scale, high=interval.high / scale)
