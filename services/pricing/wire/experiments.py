"""Experiments to the domain, and back to messages."""

from collections.abc import Mapping

from aisle.pricing.v1 import experiment_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from services.kit.errors import ServiceError
from services.kit.ids import check_id
from services.pricing.domain.errors import ExperimentNotFound, InvalidValue, TooManyItems
from services.pricing.domain.experiment.asking import Figure, Measured, Shown, Sought, Started
from services.pricing.domain.experiment.design import PROPENSITY, Arm, Kind
from services.pricing.domain.experiment.effect import Effect
from services.pricing.domain.experiment.experiment import Experiment, Status, Timing, timing
from services.pricing.domain.limits import DAY, MAX_QUOTED, MICROS, SECOND
from services.pricing.domain.policy import category_path
from services.pricing.domain.product import Money
from services.pricing.wire.common import (
    from_money,
    from_time,
    to_actor,
    to_finite,
    to_market,
    to_money,
    to_product_id,
    to_text,
)

BLOCKS = 28
MOST_CHANGE = 0.5
MOST_REQUEST_ID = 100
_KINDS = {kind: pb.ExperimentKind.values()[kind] for kind in Kind}
_STATUSES = {status: pb.ExperimentStatus.values()[status] for status in Status}
_ARMS = {arm: pb.ExperimentArm.values()[arm] for arm in Arm}


def to_sought(request: pb.StartExperimentRequest) -> Sought:
    """An experiment to start. Raises ServiceError, InvalidValue, TooManyItems."""
    if not request.request_id:
        raise ServiceError("REQUIRED", "request_id is required", field="request_id")
    check_id(to_text(request.request_id, "request_id", MOST_REQUEST_ID), "request_id")
    kind = _kind(request.kind)
    prices = _prices(request)
    if len(request.product_ids) > MAX_QUOTED:
        raise TooManyItems(f"at most {MAX_QUOTED} products", field="product_ids")
    told = [bool(prices), bool(request.product_ids), bool(request.category)]
    if sum(told) != 1:
        raise InvalidValue("tell product_ids, a category or prices, one of them", field="scope")
    ids = list(dict.fromkeys(to_product_id(one, "product_ids") for one in request.product_ids))
    return Sought(
        to_market(request.market),
        kind,
        _timing(kind, request),
        ids,
        category_path(request.category, "category") if request.category else "",
        0 if prices else _change(request.change),
        prices,
        request.seed or None,
        to_actor(request.proposer, "proposer"),
        request.request_id,
    )


def _kind(value: int) -> Kind:
    try:
        return Kind(value or Kind.SWITCHBACK)
    except ValueError:
        raise InvalidValue("no kind has this number", field="kind") from None


def _change(value: float) -> int:
    share = to_finite(value, "change")
    if not 0 < abs(share) <= MOST_CHANGE:
        raise InvalidValue(f"change must be -{MOST_CHANGE} to {MOST_CHANGE}, and not 0", field="change")
    return round(share * MICROS)


def _prices(request: pb.StartExperimentRequest) -> Mapping[str, Money]:
    if len(request.prices) > MAX_QUOTED:
        raise TooManyItems(f"at most {MAX_QUOTED} prices", field="prices")
    found = {
        to_product_id(one.product_id, "prices.product_id"): to_money(one.price, "prices.price")
        for one in request.prices
    }
    if len(found) < len(request.prices):
        raise InvalidValue("a product stands there twice", field="prices.product_id")
    return found


def _timing(kind: Kind, request: pb.StartExperimentRequest) -> Timing:
    usual = DAY if kind is Kind.SWITCHBACK else BLOCKS * DAY
    block = _micros(request.block) if request.HasField("block") else usual
    return timing(kind, block, request.block_count or BLOCKS, _micros(request.washout))


def _micros(told: Duration) -> int:
    return told.seconds * SECOND + told.nanos // 1_000


def to_experiment_number(experiment_id: str) -> int:
    """An experiment's number. Raises ServiceError, ExperimentNotFound for an id that was never given out."""
    check_id(experiment_id, "experiment_id")
    if not experiment_id.isdecimal() or len(experiment_id) > 18:
        raise ExperimentNotFound("no experiment has this id", field="experiment_id")
    return int(experiment_id)


def from_started(started: Started) -> pb.StartExperimentResponse:
    """What came of it."""
    left_out = [pb.LeftOutProduct(product_id=one, reason=why) for one, why in started.left_out]
    return pb.StartExperimentResponse(experiment=from_shown(started.shown), left_out=left_out)


def from_shown(shown: Shown) -> pb.Experiment:
    """An experiment."""
    known = shown.experiment
    return pb.Experiment(
        experiment_id=str(known.number),
        market=known.market,
        kind=_KINDS[known.kind],
        status=_STATUSES[known.status],
        products=[
            pb.ExperimentProduct(
                product_id=one.product_id,
                control_price=from_money(one.currency, one.control),
                treatment_price=from_money(one.currency, one.treatment),
            )
            for one in known.products
        ],
        block=_duration(known.timing.block),
        block_count=known.timing.blocks,
        washout=_duration(known.timing.washout),
        seed=known.seed,
        proposer=known.proposer,
        create_time=from_time(known.created),
        approver=known.approver,
        start_time=None if known.began is None else from_time(known.began),
        end_time=None if known.began is None else from_time(_ends(known)),
        note=known.note,
        assignments=[
            pb.ExperimentAssignment(
                unit=one.unit, arm=_ARMS[one.arm], propensity=PROPENSITY, start_time=from_time(one.begun)
            )
            for one in shown.assignments
        ],
    )


def _ends(known: Experiment) -> int:
    return known.ended or known.ends(known.timing.blocks - 1)


def _duration(micros: int) -> Duration:
    seconds, rest = divmod(micros, SECOND)
    return Duration(seconds=seconds, nanos=rest * 1_000)


def from_measured(found: Measured) -> pb.MeasureExperimentResponse:
    """What an experiment changed."""
    return pb.MeasureExperimentResponse(
        experiment=from_shown(found.shown),
        figures=map(_figure, found.figures),
        pair_count=found.pairs,
        planned_pair_count=found.planned,
        kept_share=found.kept,
        always_valid=found.always_valid,
        reason=found.reason,
    )


def _figure(one: Figure) -> pb.ExperimentFigure:
    effect = _effect(one.effect) if one.effect else None
    return pb.ExperimentFigure(name=one.name, control=one.control, treatment=one.treatment, effect=effect)


def _effect(found: Effect) -> pb.ExperimentEffect:
    return pb.ExperimentEffect(value=found.value, low=found.low, high=found.high, p_value=found.p_value)
