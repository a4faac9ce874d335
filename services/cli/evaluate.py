"""`aisle evaluate SERVICE --name value ...`: measures what serves, with intervals."""

import asyncio
import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.settings import SERVICES

_NOT_OPTIONS = ("progress", "log", "force")
EVALUATED = tuple(service for service in SERVICES if service != "gateway")


def command(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="recsys, search, vision or pricing")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Measure a service. Other options (--products FILE, --judgements FILE ...) go to it by name."""
    if service not in EVALUATED:
        raise typer.BadParameter(f"{service!r} is none of {', '.join(EVALUATED)}", param_hint="SERVICE")
    module = importlib.import_module(f"services.{service}.evaluate")
    options = typed(module.evaluate, named(context.args))
    config = importlib.import_module(f"services.{service}.config").Config()
    try:
        with output.steps() as progress:
            report = dict(asyncio.run(module.evaluate(config, progress=progress, **options)))
    except (OSError, ValueError, LookupError) as error:
        output.refuse(service, error, as_json=as_json)
        raise typer.Exit(1) from None
    output.show({"service": service, **report}, lambda: _tables(service, report), as_json=as_json)


def named(words: list[str]) -> dict[str, str]:
    """["--products", "a.jsonl", "--k=5"] -> {"products": "a.jsonl", "k": "5"}. Raises BadParameter."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, given, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name or not (given or rest):
            raise typer.BadParameter(f"expected --name value, found {word!r}")
        options[name.replace("-", "_")] = value if given else rest.pop(0)
    return options


def typed(function: Callable[..., Any], options: Mapping[str, str]) -> dict[str, Any]:
    """The options as the function wants them. Raises typer.BadParameter for one it does not have."""
    parameters = dict(inspect.signature(function, eval_str=True).parameters)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    known = [n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY and n not in _NOT_OPTIONS]
    made: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known and not takes_any:
            offered = ", ".join("--" + n.replace("_", "-") for n in known) or "none"
            raise typer.BadParameter(f"no option --{name.replace('_', '-')}; there are: {offered}")
        try:
            made[name] = _as(parameters[name].annotation, value) if name in known else value
        except ValueError as error:
            raise typer.BadParameter(f"--{name}: {error}") from None
    wanting = [n for n in known if parameters[n].default is inspect.Parameter.empty and n not in options]
    if wanting:
        raise typer.BadParameter("missing " + ", ".join(f"--{n.replace('_', '-')} VALUE" for n in wanting))
    return made


def _as(annotation: Any, value: str) -> Any:
    wanted = str(annotation)
    for kind in (Path, int, float):
        if annotation is kind or kind.__name__ in wanted:
            return kind(value)
    return value


def _tables(service: str, report: dict[str, Any]) -> list[Any]:
    facts = [
        (name, value)
        for name, value in report.items()
        if name != "metrics" and not isinstance(value, dict | list)
    ]
    tables = [output.metrics_table(f"Evaluation of {service}", report["metrics"])]
    if "against" in report:
        title = f"{report['model']} less {report['against']['model']}, on the same cases"
        tables.append(output.metrics_table(title, report["against"]["difference"]))
    return [*tables, output.table("On", ("what", "value"), facts)] if facts else tables
