"""Latency of each page over in-memory backends on real channels, against a bare call of the same run; and the
CPU that writing costs. Run it: python -m tests.benchmarks.bench_gateway [--json]
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import uvloop
from aisle.gateway.v1 import catalog_service_pb2, storefront_service_pb2

from services.gateway import wire
from services.gateway.domain.events import check_event
from services.gateway.domain.products import check_product
from tests.gateway.backends import town
from tests.gateway.shop import event, gateway, product, small_shop

pb = storefront_service_pb2
CALLS = 200
ANN = pb.Shopper(user_id="ann")
PAGES = {
    "home": ("GetHomePage", pb.GetHomePageRequest(shopper=ANN)),
    "search": ("SearchProducts", pb.SearchProductsRequest(shopper=ANN, query="milk")),
    "product": ("GetProductPage", pb.GetProductPageRequest(shopper=ANN, product_id="p03")),
    "cart": ("GetCartPage", pb.GetCartPageRequest(shopper=ANN, lines=[pb.CartLine(product_id="p03")])),
    "image": ("SearchByImage", pb.SearchByImageRequest(shopper=ANN, image=b"jpeg")),
    "complete": ("CompleteQuery", pb.CompleteQueryRequest(prefix="milk")),
}


async def timed(method, request) -> tuple[float, float, float]:
    """p50 and p99 in ms over CALLS calls, one in flight, and CPU of the process in ms a call."""
    for _ in range(20):
        await method(request)
    took, cpu = [], time.process_time()
    for _ in range(CALLS):
        started = time.perf_counter()
        await method(request)
        took.append(1000 * (time.perf_counter() - started))
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[98], 1000 * (time.process_time() - cpu) / CALLS


async def pages() -> dict[str, float]:
    """Each page's figures; `ratio` is its p50 against a bare call; client and services share the process."""
    figures = {}
    with tempfile.TemporaryDirectory() as home:
        async with town(small_shop()) as here, gateway(Path(home), town=here) as door:
            await door.fill()
            bare, _, _ = await timed(door.catalog.UpsertProducts, catalog_service_pb2.UpsertProductsRequest())
            figures["bare_p50_ms"] = bare
            for name, (method, request) in PAGES.items():
                p50, p99, cpu = await timed(getattr(door.pages, method), request)
                figures |= {
                    f"{name}_p50_ms": p50,
                    f"{name}_p99_ms": p99,
                    f"{name}_cpu_ms": cpu,
                    f"{name}_ratio": p50 / bare,
                }
    return figures


def writing() -> dict[str, float]:
    """CPU of drafting, serialising and checking, in ms: for an order of ten lines, for a product."""
    order, milk, times = event(1, *(f"p{n}" for n in range(10))), product(1), 5_000
    started = time.process_time()
    for _ in range(times):
        check_event(wire.event_item(order).draft, 2e9)
    between = time.process_time()
    for _ in range(times):
        check_product(wire.product_item(milk).draft)
    ended = time.process_time()
    return {
        "write_event_cpu_ms": 1000 * (between - started) / times,
        "write_product_cpu_ms": 1000 * (ended - between) / times,
    }


def main() -> None:
    """Prints a table, or one JSON object."""
    figures = uvloop.run(pages()) | writing()
    if "--json" in sys.argv:
        metrics = {name: {"value": value, "low": None, "high": None} for name, value in figures.items()}
        print(json.dumps({"metrics": metrics}))
        return
    for name, value in figures.items():
        print(f"{name:20} {value:9.3f}")


if __name__ == "__main__":
    main()
