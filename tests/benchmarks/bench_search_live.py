"""How soon a change shows in searches while others run: the real service over a real log, each a process.

python -m tests.benchmarks.bench_search_live --home FOLDER [--products N] [--updates 100] [--searches 10]

FOLDER holds a model that `aisle train search` made. It begins when every text is embedded. Products are
changed at a steady rate, one in ten with a new title, the others with a new price. One change in 25 is
watched: its word or its price is searched for, every 50 ms, until the answer has it. Latency is counted
from the moment before the log is asked, so the log's acknowledgement is in it. Other queries run meanwhile.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
import psutil
from aisle.catalog.v1 import product_pb2
from aisle.search.v1 import search_pb2, search_pb2_grpc

from services.kit.log import Entry
from services.kit.nats_log import NatsLog
from services.kit.testing import NatsProcess, wait_until
from tests.benchmarks.search_scale import made_products, real_products
from tests.search.shop import money, upsert

SECONDS: Final = 20
WATCHED: Final = 25
RENAMED: Final = 10
LOOK_SECONDS: Final = 0.05
LATE: Final = 10.0
START_SECONDS: Final = 900.0
PORT: Final = 51952

Stub = Any


async def fill(log: NatsLog, entries: list[Entry]) -> None:
    """Writes the shop."""
    for start in range(0, len(entries), 500):
        for ack in await log.append(entries[start : start + 500]):
            assert not isinstance(ack, Exception)


async def ready(process: psutil.Process, stub: Stub, count: int) -> bool:
    """Whether all products can be found, and nothing is embedded any more."""
    busy = await asyncio.to_thread(process.cpu_percent, 2.0)
    return busy < 20 and bool((await stub.Search(search_pb2.SearchRequest())).total_size == count)


async def visible(stub: Stub, product: product_pb2.Product, begun: float) -> float:
    """Seconds from `begun` until a search has the product as it is now."""
    price = product.price
    filter_ = product_pb2.ProductFilter(min_price=price, max_price=price)
    request = search_pb2.SearchRequest(query=product.title, filter=filter_, exact=True, page_size=5)
    while time.monotonic() < begun + LATE:
        answer = await stub.Search(request)
        if any(result.product_id == product.id for result in answer.results):
            return time.monotonic() - begun
        await asyncio.sleep(LOOK_SECONDS)
    return LATE


async def change(log: NatsLog, stub: Stub, shop: list[product_pb2.Product], rate: float) -> list[float]:
    """Changes products at the rate for SECONDS; how long each watched change took to show."""
    watching = []
    started = time.monotonic()
    for number in range(round(rate * SECONDS)):
        product = product_pb2.Product()
        product.CopyFrom(shop[number % len(shop)])
        product.price.CopyFrom(money(1_000 + number / 100))
        if number % RENAMED == 0:
            product.title = f"zq{number}x {product.title}"
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        begun = time.monotonic()
        writing = asyncio.create_task(log.append([upsert(product)]))
        if number % WATCHED == number // WATCHED % RENAMED:  # now a title, now a price
            watching.append(asyncio.create_task(visible(stub, product, begun)))
        await writing
    return await asyncio.gather(*watching)


async def search(stub: Stub, queries: list[str], rate: float, seconds: float) -> list[float]:
    """Seconds that each of the searches at this rate took."""
    started = time.monotonic()
    took = []

    async def one(query: str) -> None:
        begun = time.monotonic()
        await stub.Search(search_pb2.SearchRequest(query=query, facet_keys=["category", "brand"]))
        took.append(time.monotonic() - begun)

    asked = []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        asked.append(asyncio.create_task(one(queries[number % len(queries)])))
    await asyncio.gather(*asked)
    return took


def percentiles(seconds: list[float]) -> dict[str, float]:
    """In milliseconds."""
    return {f"p{p}_ms": round(1_000 * float(np.percentile(seconds, p)), 1) for p in (50, 99)}


async def measure(home: Path, count: int, updates: float, searches: float) -> dict[str, object]:
    """All figures."""
    real = real_products()
    shop = list(made_products(real, count))
    queries = [" ".join(product.title.split()[:2]) for product in shop[:500]]
    with tempfile.TemporaryDirectory() as temporary:
        nats = NatsProcess(Path(temporary))
        shutil.copytree(home / "models", Path(temporary) / "home" / "models")
        log = NatsLog(nats.url)
        await log.start()
        await fill(log, [upsert(product) for product in shop])
        settings = {
            "AISLE_HOME": f"{temporary}/home",
            "AISLE_NATS_URL": nats.url,
            "AISLE_SEARCH_PORT": str(PORT),
            "AISLE_SEARCH_METRICS_PORT": "0",
        }
        served = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", "run", "search"),
            env={**os.environ, **settings},
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{PORT}") as channel:
                await channel.channel_ready()
                stub = search_pb2_grpc.SearchServiceStub(channel)
                process = psutil.Process(served.pid)
                await wait_until(lambda: ready(process, stub, count), START_SECONDS)
                quiet = await search(stub, queries, searches, 5)
                spent, begun = process.cpu_times(), time.monotonic()
                shown, beside = await asyncio.gather(
                    change(log, stub, shop, updates), search(stub, queries, searches, SECONDS)
                )
                used = process.cpu_times()
                return {
                    "products": count,
                    "updates_a_second": updates,
                    "searches_a_second": searches,
                    "visible": percentiles(shown),
                    "late": sum(each >= 1.0 for each in shown) / len(shown),
                    "searches_without_updates": percentiles(quiet),
                    "searches_beside_updates": percentiles(beside),
                    "cores": round(
                        (used.user + used.system - spent.user - spent.system) / (time.monotonic() - begun), 2
                    ),
                    "memory_mb": process.memory_info().rss >> 20,
                }
        finally:
            served.terminate()
            await served.wait()
            await log.close()
            nats.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--updates", type=float, default=100)
    parser.add_argument("--searches", type=float, default=10)
    asked = parser.parse_args()
    print(
        json.dumps(asyncio.run(measure(asked.home, asked.products, asked.updates, asked.searches)), indent=1)
    )
