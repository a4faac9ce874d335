"""How fast pricing takes in a shop's history, and quotes: python -m tests.benchmarks.bench_pricing."""

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from aisle.pricing.v1 import pricing_pb2 as pb

from services.kit.log import CATALOG, EVENTS
from services.pricing.adapters.database import Database, sqlite_url
from services.pricing.adapters.governing import Governor
from services.pricing.adapters.store import Store
from services.pricing.domain.account import State
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.policy import Policy
from services.pricing.domain.product import Basis
from services.pricing.domain.quotes import Quotes
from services.pricing.server import wall_clock
from services.pricing.wire import prices
from tests.pricing.shop import order, product, record


def cpu_of_a_call(quotes: Quotes, ids: Sequence[str], now: int, calls: int = 2_000) -> float:
    """CPU-milliseconds, 99th percentile, from a request's bytes (50 products) to the answer's."""
    draw, spent = random.Random(1), []
    for _ in range(calls):
        request = pb.QuotePricesRequest(product_ids=draw.sample(ids, 50)).SerializeToString()
        cpu = time.process_time_ns()
        found, unpriced = quotes.of(
            "default", prices.to_product_ids(pb.QuotePricesRequest.FromString(request)), now
        )
        answer = pb.QuotePricesResponse(quotes=map(prices.from_quote, found), unpriced_product_ids=unpriced)
        answer.SerializeToString()
        spent.append(time.process_time_ns() - cpu)
    return sorted(spent)[int(0.99 * calls)] / 1e6


def memory_of_a_million(products: int = 1_000_000) -> float:
    """MiB that the process grows by when it keeps a million prices; nothing large may have run before."""
    before = peak_mib()
    quotes = Quotes()
    for number in range(products):
        state = State(True, Basis.LIST, currency="USD", price=number, list_price=number)
        quotes.put("default", f"product-{number:07}", state)
    return peak_mib() - before


def peak_mib() -> float:
    """The most memory that the process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Synthetic: popularity falls as 1/rank, each line costs one of five prices of its product."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=68_509)
    parser.add_argument("--baskets", type=int, default=15_000)
    parser.add_argument("--lines", type=int, default=10)
    parser.add_argument("--url", default="", help="a database instead of a new SQLite file")
    given = parser.parse_args()
    figures: dict[str, float] = {"million_prices_mib": memory_of_a_million()}
    draw = random.Random(0)
    now = wall_clock()
    ids = [f"p{number}" for number in range(given.products)]
    weights = list(accumulate(1 / (rank + 50) for rank in range(given.products)))
    changes = [record(CATALOG, n + 1, product(name), now) for n, name in enumerate(ids)]
    events = []
    for n in range(given.baskets):
        bought = draw.choices(ids, cum_weights=weights, k=given.lines)
        lines = {name: 1 + len(name) % 9 + 0.1 * draw.randrange(5) for name in bought}
        at = now - 400 * DAY + n * (365 * DAY // given.baskets)
        events.append(record(EVENTS, n + 1, order(lines, at), now))
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or sqlite_url(Path(folder) / "pricing.db")
        quotes = Quotes()
        store = Store(Database(url), quotes, wall_clock)
        store.open()
        for name, records in (("catalog", changes), ("events", events)):
            wall, cpu = time.perf_counter(), time.process_time()
            for start in range(0, len(records), 500):
                store.apply(records[start : start + 500])
            figures[f"{name}_records_per_second"] = len(records) / (time.perf_counter() - wall)
            figures[f"{name}_cpu_seconds"] = time.process_time() - cpu
        wall = time.perf_counter()
        Governor(store).set_policy(Policy(currency="USD", floor=2 * MICROS))
        figures["market_policy_seconds"] = time.perf_counter() - wall
        asked = ids[:1000]
        wall = time.perf_counter()
        for _ in range(50):
            quotes.of("default", asked, now)
        figures["quote_1000_ms"] = (time.perf_counter() - wall) * 1000 / 50
        figures["quote_50_cpu_ms_p99"] = cpu_of_a_call(
            quotes, [one.product_id for one in quotes.of("default", ids, now)[0]], now
        )
        store.database.close()
    figures["peak_mib"] = peak_mib()
    metrics = {name: {"value": round(value, 2), "low": None, "high": None} for name, value in figures.items()}
    print(json.dumps({"metrics": metrics}, indent=2))


if __name__ == "__main__":
    main()
