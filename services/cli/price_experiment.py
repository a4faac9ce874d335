"""`aisle price experiment start|approve|list|stop|effect`: prices by chance, and what they changed."""

import tomllib
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.pricing_calls import TARGET, Json, Market, Target, amount, call

app = typer.Typer(help="Try prices by chance, never by shopper.", no_args_is_help=True, add_completion=False)
SECONDS = 300.0
_MICROS = 1_000_000
Id = Annotated[str, typer.Argument(help="The experiment's id; see aisle price experiment list.")]
By = Annotated[str, typer.Option("--by", help="Who does it; stands in the record of acts.")]


class Kind(StrEnum):
    """What chance assigns: blocks of time, or products."""

    SWITCHBACK = "switchback"
    PRODUCTS = "products"


@app.command()
def start(
    by: By,
    request_id: Annotated[str, typer.Option(help="A repeated one starts nothing twice.")],
    kind: Annotated[
        Kind, typer.Option(help="Switch all products by time, or assign each.")
    ] = Kind.SWITCHBACK,
    product: Annotated[list[str] | None, typer.Option(help="A product; may be repeated.")] = None,
    category: Annotated[str, typer.Option(help="This category path and what is below it.")] = "",
    change: Annotated[float, typer.Option(help="The treatment: -0.1 for a tenth less.")] = 0.0,
    prices: Annotated[
        Path | None,
        typer.Option(
            help="Instead: a TOML file of the treatment's prices, as docs/experiments.md says.", exists=True
        ),
    ] = None,
    hours: Annotated[
        float, typer.Option(help="How long a block lasts, of products the whole time; 0: a day, 28 days.")
    ] = 0.0,
    blocks: Annotated[int, typer.Option(help="How many blocks of a switchback.")] = 28,
    washout: Annotated[float, typer.Option(help="Hours at the start of a block that are not counted.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Makes the coins; 0: the request id does.")] = 0,
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Ask for an experiment; it begins once approved, at once where policies are AUTOMATIC."""
    from aisle.pricing.v1 import experiment_pb2 as pb
    from google.protobuf.json_format import MessageToDict

    request = pb.StartExperimentRequest(
        market=market,
        kind=pb.ExperimentKind.Value(f"EXPERIMENT_KIND_{kind.name}"),
        product_ids=product or (),
        category=category,
        change=change,
        block_count=blocks if kind is Kind.SWITCHBACK else 0,
        seed=seed,
        proposer=by,
        request_id=request_id,
    )
    if hours:
        request.block.FromTimedelta(timedelta(hours=hours))
    request.washout.FromTimedelta(timedelta(hours=washout))
    try:
        if prices:
            _read(prices, request)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        output.fail(f"{prices}: {error}")
        raise typer.Exit(1) from None
    answer = call(pricing, "StartExperiment", request)
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _started(answer), as_json=as_json)


@app.command()
def approve(experiment: Id, by: By, pricing: Target = TARGET, as_json: Json = False) -> None:
    """Let an experiment begin."""
    from aisle.pricing.v1 import experiment_pb2 as pb

    request = pb.ApproveExperimentRequest(experiment_id=experiment, approver=by)
    _show("Begun", [call(pricing, "ApproveExperiment", request).experiment], as_json)


@app.command()
def stop(
    experiment: Id,
    by: By,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """End an experiment: the prices that held without it are back."""
    from aisle.pricing.v1 import experiment_pb2 as pb

    request = pb.StopExperimentRequest(experiment_id=experiment, actor=by, note=note)
    _show("Stopped", [call(pricing, "StopExperiment", request).experiment], as_json)


@app.command("list")
def list_(market: Market = "default", pricing: Target = TARGET, as_json: Json = False) -> None:
    """List experiments, the latest first."""
    from aisle.pricing.v1 import experiment_pb2 as pb

    request, found = pb.ListExperimentsRequest(market=market), list[Any]()
    while True:
        page = call(pricing, "ListExperiments", request)
        found += page.experiments
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    _show("Experiments", found, as_json)


@app.command()
def effect(
    experiment: Id,
    stop_when_sure: Annotated[
        bool, typer.Option(help="Stop it once the interval of any figure leaves 0 out; needs --by.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Who stops it.")] = "",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Tell what an experiment changed, with 90% intervals."""
    from aisle.pricing.v1 import experiment_pb2 as pb
    from google.protobuf.json_format import MessageToDict

    if stop_when_sure and not by:
        output.fail("--stop-when-sure needs --by")
        raise typer.Exit(2)
    answer = call(
        pricing, "MeasureExperiment", pb.MeasureExperimentRequest(experiment_id=experiment), SECONDS
    )
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _measured(answer), as_json=as_json)
    runs = answer.experiment.status == pb.EXPERIMENT_STATUS_RUNNING
    if stop_when_sure and runs and any(_sure(one) for one in answer.figures):
        request = pb.StopExperimentRequest(experiment_id=experiment, actor=by, note="its effect is sure")
        call(pricing, "StopExperiment", request)
        output.ERR.print(f"Experiment {experiment} is stopped: its effect is sure.")


def _read(file: Path, request: Any) -> None:
    told = tomllib.loads(file.read_text("utf-8"))
    for product_id, price in told["prices"].items():
        one = request.prices.add(product_id=product_id)
        one.price.currency_code, one.price.amount_micros = told["currency"], round(price * _MICROS)


def _sure(figure: Any) -> bool:
    return figure.HasField("effect") and not figure.effect.low <= 0 <= figure.effect.high


def _started(answer: Any) -> list[Any]:
    made = answer.experiment
    rows = [(one.product_id, amount(one.control_price), amount(one.treatment_price)) for one in made.products]
    columns = ("product", "control", "treatment")
    lines: list[Any] = [
        output.table(f"Experiment {made.experiment_id}: {_status(made)}", columns, rows, right=columns[1:])
    ]
    if answer.left_out:
        lines.append(
            output.table(
                "Left out", ("product", "why"), [(one.product_id, one.reason) for one in answer.left_out]
            )
        )
    return lines


def _show(title: str, found: list[Any], as_json: bool) -> None:
    from google.protobuf.json_format import MessageToDict

    rows = [
        (
            one.experiment_id,
            _word(one, "kind"),
            _status(one),
            len(one.products),
            f"{one.block_count} x {one.block.ToTimedelta()}",
            f"{one.start_time.ToDatetime():%Y-%m-%d %H:%M}" if one.HasField("start_time") else "",
            f"{one.end_time.ToDatetime():%Y-%m-%d %H:%M}" if one.HasField("end_time") else "",
            one.approver or one.proposer,
            one.note,
        )
        for one in found
    ]
    columns = ("id", "kind", "status", "products", "blocks", "from", "until", "by", "note")
    told = {"experiments": [MessageToDict(one, preserving_proto_field_name=True) for one in found]}
    output.show(told, lambda: [output.table(title, columns, rows, right=("products",))], as_json=as_json)


def _measured(answer: Any) -> list[Any]:
    rows = [
        (
            one.name,
            f"{one.control:,.2f}",
            f"{one.treatment:,.2f}",
            *(_effect(one.effect) if one.HasField("effect") else ("", "", "")),
        )
        for one in answer.figures
    ]
    title = f"Experiment {answer.experiment.experiment_id}: {_status(answer.experiment)}"
    columns = ("figure", "control", "treatment", "effect", "90% interval", "p")
    lines: list[Any] = [output.table(title, columns, rows, right=columns[1:])] if rows else [title]
    if rows:
        lines.append(
            f"{answer.pair_count} of {answer.planned_pair_count} pairs; prices were as chance gave them for "
            f"{answer.kept_share:.1%} of the time."
        )
    if answer.always_valid:
        lines.append("The intervals hold however often they are looked at.")
    return [*lines, *([answer.reason] if answer.reason else [])]


def _effect(told: Any) -> tuple[str, str, str]:
    p_value = f"{told.p_value:.3f}" if told.HasField("p_value") else ""
    return f"{told.value:+.1%}", f"{told.low:+.1%} to {told.high:+.1%}", p_value


def _status(one: Any) -> str:
    return _word(one, "status")


def _word(one: Any, field: str) -> str:
    """An enum's value as a reader says it."""
    kind = one.DESCRIPTOR.fields_by_name[field].enum_type
    return str(
        kind.values_by_number[getattr(one, field)].name.removeprefix(f"EXPERIMENT_{field.upper()}_")
    ).lower()
