"""Latency of each page of a running demo shop (`make demo`, then `make up`), one call in flight.

`python -m tests.benchmarks.bench_pages [CALLS]` prints p50 and p99 in milliseconds, and p50 as a multiple of
the gateway's own health check in the same run.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import numpy as np
from aisle.gateway.v1 import storefront_service_pb2 as storefront
from aisle.gateway.v1.storefront_service_pb2_grpc import StorefrontServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli import demo_shop, health
from services.cli.settings import Config

QUERIES = ["milk", "dark chocolate", "dog food", "frozen pizza", "something for breakfast"]


async def measure(call: Callable[[int], Awaitable[object]], calls: int) -> np.ndarray:
    """Milliseconds of each call, after five that do not count."""
    for number in range(5):
        await call(number)
    took = []
    for number in range(calls):
        began = time.perf_counter()
        await call(number)
        took.append((time.perf_counter() - began) * 1000)
    return np.array(took)


def some_products(home: Path) -> list[str]:
    """About 200 ids of the demo shop, evenly taken."""
    lines = (home / "demo" / "products.jsonl").read_text().splitlines()[:: 67_000 // 200]
    return [json.loads(line)["id"] for line in lines]


async def main(gateway: str, products: list[str], photo: bytes, calls: int) -> None:
    """Prints the table."""
    statuses: dict[str, int] = {}
    async with grpc.aio.insecure_channel(gateway) as channel:
        stub, bare_stub = StorefrontServiceStub(channel), health_pb2_grpc.HealthStub(channel)

        def who(number: int) -> storefront.Shopper:
            return storefront.Shopper(user_id=str(1 + number))

        async def page(answer: Awaitable[object]) -> None:
            for section in (await answer).page.sections:  # type: ignore[attr-defined]
                name = storefront.SectionStatus.Name(section.status)
                statuses[name] = statuses.get(name, 0) + 1

        def cart(number: int) -> list[storefront.CartLine]:
            return [storefront.CartLine(product_id=one) for one in products[number % 190 :][:5]]

        timed: dict[str, Callable[[int], Awaitable[object]]] = {
            "health": lambda n: bare_stub.Check(health_pb2.HealthCheckRequest()),
            "home": lambda n: page(stub.GetHomePage(storefront.GetHomePageRequest(shopper=who(n)))),
            "search": lambda n: page(
                stub.SearchProducts(storefront.SearchProductsRequest(shopper=who(n), query=QUERIES[n % 5]))
            ),
            "product": lambda n: page(
                stub.GetProductPage(
                    storefront.GetProductPageRequest(shopper=who(n), product_id=products[n % len(products)])
                )
            ),
            "cart": lambda n: page(
                stub.GetCartPage(storefront.GetCartPageRequest(shopper=who(n), lines=cart(n)))
            ),
            "image": lambda n: page(
                stub.SearchByImage(storefront.SearchByImageRequest(shopper=who(n), image=photo))
            ),
            "complete": lambda n: stub.CompleteQuery(storefront.CompleteQueryRequest(prefix="mil")),
        }
        print("| page | p50 ms | p99 ms | p50 against health |\n|---|---|---|---|")
        bare = 0.0
        for name, call in timed.items():
            took = await measure(call, calls)
            p50, p99 = np.percentile(took, [50, 99])
            bare = bare or p50
            print(f"| {name} | {p50:.1f} | {p99:.1f} | {p50 / bare:.1f} |", flush=True)
        print(f"\nsections by status: {statuses}")


if __name__ == "__main__":
    config = Config()
    if asyncio.run(health.ask("gateway", config.gateway)) != health.OK:
        print("not measured: no demo shop is running (`make demo`, then `make up`)")
    else:
        calls = int(sys.argv[1]) if len(sys.argv) > 1 else 200
        asyncio.run(
            main(config.gateway, some_products(config.home), demo_shop.demo_photo().read_bytes(), calls)
        )
