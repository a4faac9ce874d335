"""`aisle simulate pricing --market NAME|FILE.toml`: what learning a price earns of the optimum."""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output, simulate_pictures


def command(
    service: Annotated[str, typer.Argument(help="pricing")],
    market: Annotated[
        str, typer.Option(help="ferreira (a), beta (b), or a TOML file as docs/demand.md says.")
    ] = "ferreira",
    runs: Annotated[int, typer.Option(min=2, max=10_000, help="How often each policy plays.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed, the same figures.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option(help="Also write a page: the prices asked on the way, and what they earned."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Play the learning of prices in a market, beside simpler policies and with guardrails."""
    if service != "pricing":
        raise typer.BadParameter(f"{service!r} cannot be simulated; pricing can", param_hint="SERVICE")
    try:
        with output.steps() as progress:
            told, walks = simulate(market, runs, seed, progress)
        if report:
            simulate_pictures.write(report, told, walks)
    except (OSError, ValueError) as error:
        output.fail(str(error))
        raise typer.Exit(1) from None
    output.show(told, lambda: _tables(told), as_json=as_json)


def simulate(
    market: str, runs: int, seed: int, progress: Any
) -> tuple[dict[str, Any], list[simulate_pictures.Walk]]:
    """Shares of the optimum by case, guardrails, policy and shoppers, and the ways there.

    Raises OSError, ValueError.
    """
    from services.pricing.domain import markets, simulation
    from services.pricing.domain.market_tables import parse

    if market in markets.NAMED:
        cases = parse(markets.NAMED[market], market)
    elif market.endswith(".toml"):
        cases = parse(tomllib.loads(Path(market).read_text("utf-8")), Path(market).stem)
    else:
        raise ValueError(f"no market {market!r}: {', '.join(markets.NAMED)}, or a .toml file")
    plays = [(case, policy, False) for case in cases for policy in simulation.POLICIES]
    plays += [(case, "thompson", True) for case in cases if case.guardrails != markets.Guardrails()]
    results: list[dict[str, Any]] = []
    walks: list[simulate_pictures.Walk] = []
    for done, (case, policy, guarded) in enumerate(plays):
        progress(f"{case.name}: {policy}", done, len(plays))
        shares, path = simulation.walk(case if guarded else simulation.unguarded(case), policy, runs, seed)
        walks.append(simulate_pictures.Walk(case, policy, guarded, path))
        results += [
            {"case": case.name, "policy": policy, "guardrails": guarded, "shoppers": share.shoppers}
            | {"share_of_optimum": share.value, "low": share.low, "high": share.high}
            | {"optimum": simulation.optimum(case, share.shoppers)}
            | ({"reachable": simulation.reachable(case, share.shoppers)} if guarded else {})
            for share in shares
        ]
    progress("played", len(plays), len(plays))
    told = [(case.name, simulation.stopped(simulation.unguarded(case), runs, seed)) for case in cases]
    stops = [{"case": name, **asdict(found)} for name, found in told if found]
    report = {"market": market, "runs": runs, "results": results}
    return report | {"guardrail_cost": _cost(results), "stops": stops}, walks


def _cost(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the guardrails cost the sampler, as a share of the optimum; below 0 where they helped."""
    free = {
        (row["case"], row["shoppers"]): row["share_of_optimum"]
        for row in results
        if row["policy"] == "thompson" and not row["guardrails"]
    }
    return [
        {"case": row["case"], "shoppers": row["shoppers"]}
        | {"cost": free[row["case"], row["shoppers"]] - row["share_of_optimum"]}
        for row in results
        if row["guardrails"]
    ]


def _tables(report: dict[str, Any]) -> list[Any]:
    rows = [
        (
            row["case"],
            row["policy"],
            "on" if row["guardrails"] else "off",
            row["shoppers"],
            f"{row['share_of_optimum']:.1%}",
            f"{row['low']:.1%} to {row['high']:.1%}",
            f"{row['reachable']:.1%}" if row.get("reachable") else "",
        )
        for row in report["results"]
    ]
    columns = ("case", "policy", "guardrails", "shoppers", "of the optimum", "95% interval", "within reach")
    right = ("shoppers", "of the optimum", "within reach")
    tables: list[Any] = [
        output.table(f"{report['market']}, {report['runs']} runs", columns, rows, right=right)
    ]
    return tables + [
        f"{one['case']}: {one['share']:.0%} of runs stop, after {one['shoppers']:.0f} shoppers; the price "
        f"loses {one['loss']:.1%}, and is near the best in {one['near']:.0%}"
        for one in report["stops"]
    ]
