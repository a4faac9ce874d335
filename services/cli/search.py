"""`aisle search report|controls|synonyms`: what shoppers look for, and what the merchant decides."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.settings import FULL_NAMES

app = typer.Typer(help="Look after search.", no_args_is_help=True, add_completion=False)
CALL_SECONDS = 10.0
_Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def report(
    limit: Annotated[int, typer.Option(min=1, help="Queries of each list.")] = 20, as_json: _Json = False
) -> None:
    """Tell what shoppers search for, what they do not find or click, and what they type instead."""
    import grpc

    from services.kit.errors import ServiceError

    try:
        with output.steps() as progress:
            told = asyncio.run(_report(limit, progress))
    except (ServiceError, TimeoutError) as error:
        output.fail(f"the log does not answer: {str(error) or 'is NATS running? See aisle doctor'}")
        raise typer.Exit(1) from None
    except grpc.aio.AioRpcError as error:
        output.fail(f"search does not answer: {error.details()}")
        raise typer.Exit(1) from None
    output.show(told, lambda: _tables(told), as_json=as_json)


@app.command()
def controls(
    file: Annotated[Path, typer.Argument(help="JSON Lines, a control each; see docs/search.md", exists=True)],
    as_json: _Json = False,
) -> None:
    """Set the merchant's controls of a file; one of the same id is replaced. Stops at the first bad one."""
    import grpc
    from google.protobuf.json_format import ParseError

    try:
        ids = asyncio.run(_set(file.read_text(encoding="utf-8").splitlines()))
    except (ParseError, ValueError) as error:
        output.fail(f"{file}: {error}")
        raise typer.Exit(1) from None
    except grpc.aio.AioRpcError as error:
        output.fail(f"{file}: {error.details()}")
        raise typer.Exit(1) from None
    rows = [(control_id,) for control_id in ids]
    output.show({"set": ids}, lambda: [output.table("Controls set", ("id",), rows)], as_json=as_json)


@app.command()
def synonyms(
    shoppers: Annotated[int, typer.Option(min=2, help="How many must have typed the other instead.")] = 5,
    undo: Annotated[bool, typer.Option("--undo", help="Delete every mined synonym instead.")] = False,
    as_json: _Json = False,
) -> None:
    """Let words count as what shoppers typed instead and clicked; replaces those mined before."""
    import grpc

    from services.kit.errors import ServiceError

    try:
        with output.steps() as progress:
            told = asyncio.run(_mine(shoppers, undo, progress))
    except (ServiceError, TimeoutError) as error:
        output.fail(f"the log does not answer: {str(error) or 'is NATS running? See aisle doctor'}")
        raise typer.Exit(1) from None
    except grpc.aio.AioRpcError as error:
        output.fail(f"search does not answer: {error.details()}")
        raise typer.Exit(1) from None
    rows = [(pair["query"], pair["instead"]) for pair in told["set"]]
    summary = f"{len(told['deleted'])} mined before were deleted"
    output.show(
        told,
        lambda: [output.table("Synonyms set", ("typed", "finds too"), rows), summary],
        as_json=as_json,
    )


async def _mine(shoppers: int, undo: bool, progress: Any) -> dict[str, Any]:
    """Sets what is mined now, and deletes what was mined before and is not any more."""
    from aisle.search.v1 import control_pb2, control_pb2_grpc

    from services.kit.channels import connect
    from services.kit.nats_log import NatsLog
    from services.search.config import Config
    from services.search.report import MINED, mined

    config = Config()
    wanted: list[control_pb2.Control] = []
    if not undo:
        log = NatsLog(config.nats_url)
        async with asyncio.timeout(CALL_SECONDS):
            await log.start()
        try:
            wanted = await mined(log, shoppers, progress=progress)
        finally:
            await log.close()
    async with connect(f"{config.host}:{config.port}", full_name=FULL_NAMES["search"]) as channel:
        stub: Any = control_pb2_grpc.ControlServiceStub(channel)
        held = await stub.ListControls(control_pb2.ListControlsRequest(), timeout=CALL_SECONDS)
        kept = {control.control_id for control in wanted}
        gone = {
            control.control_id for control in held.controls if control.control_id.startswith(MINED)
        } - kept
        for control_id in sorted(gone):
            request = control_pb2.DeleteControlRequest(control_id=control_id)
            await stub.DeleteControl(request, timeout=CALL_SECONDS)
        for control in wanted:
            await stub.SetControl(control_pb2.SetControlRequest(control=control), timeout=CALL_SECONDS)
    pairs = [dict(zip(("query", "instead"), control.synonyms.terms, strict=True)) for control in wanted]
    return {"set": pairs, "deleted": sorted(gone)}


async def _report(limit: int, progress: Any) -> dict[str, Any]:
    from aisle.search.v1 import search_pb2, search_pb2_grpc

    from services.kit.channels import connect
    from services.kit.nats_log import NatsLog
    from services.search.config import Config
    from services.search.report import report as made

    config = Config()
    log = NatsLog(config.nats_url)
    async with asyncio.timeout(CALL_SECONDS):
        await log.start()
    async with connect(f"{config.host}:{config.port}", full_name=FULL_NAMES["search"]) as channel:
        search: Any = search_pb2_grpc.SearchServiceStub(channel)

        async def found(query: str) -> int:
            request = search_pb2.SearchRequest(query=query, page_size=1)
            return int((await search.Search(request, timeout=CALL_SECONDS)).total_size)

        try:
            return await made(log, found, progress=progress, limit=limit)
        finally:
            await log.close()


async def _set(lines: list[str]) -> list[str]:
    from aisle.search.v1 import control_pb2, control_pb2_grpc
    from google.protobuf.json_format import Parse

    from services.kit.channels import connect
    from services.search.config import Config

    config = Config()
    wanted = [Parse(line, control_pb2.Control()) for line in lines if line.strip()]
    async with connect(f"{config.host}:{config.port}", full_name=FULL_NAMES["search"]) as channel:
        stub: Any = control_pb2_grpc.ControlServiceStub(channel)
        for control in wanted:
            await stub.SetControl(control_pb2.SetControlRequest(control=control), timeout=CALL_SECONDS)
    return [control.control_id for control in wanted]


def _tables(told: dict[str, Any]) -> list[Any]:
    titles = {"top": "Most searched", "no_click": "Never clicked", "no_result": "Nothing found"}
    columns = ("query", "searches", "shoppers", "clicked")
    tables = [
        output.table(title, columns, [[row[c] for c in columns] for row in told[name]], right=columns[1:])
        for name, title in titles.items()
    ]
    pairs = [(pair["query"], pair["instead"], pair["shoppers"]) for pair in told["synonyms"]]
    alike = {query: ", ".join(name for name, _ in others) for query, others in told["similar"].items()}
    similar = [(query, others) for query, others in alike.items() if others]
    return [
        *tables,
        output.table("Typed anew", ("query", "instead", "shoppers"), pairs, right=("shoppers",)),
        output.table("Similar by clicks", ("query", "others"), similar),
    ]
