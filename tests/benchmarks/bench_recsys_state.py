"""What shoppers' states cost in recsys: disk, memory, and CPU to read one. Prints; asserts nothing.

python -m tests.benchmarks.bench_recsys_state [USERS] [PRODUCTS]     20,000 and 100,000 when not told
"""

import gc
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2

from services.kit.log import BATCH, CATALOG, EVENTS, Record
from services.recsys.adapters.view import RecsysView

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS, LINES, LOOKS = 2, 8, 4
"""Each shopper's orders, products an order, and products looked at in the visit behind them."""


def catalogue(products: int) -> Iterator[Record]:
    """Products on 200 shelves."""
    for number in range(products):
        product = product_pb2.Product(
            id=f"p{number}", title=f"Product {number}", categories=[f"D{number % 20} > S{number % 200}"]
        )
        change = product_pb2.ProductChange(upsert=product)
        yield Record(CATALOG, number + 1, product.id, change.SerializeToString(), NOW)


def events(users: int, products: int) -> Iterator[Record]:
    """Orders, then a visit, of each shopper; few products are bought by many, as in shops."""
    draw, at = np.random.default_rng(1), 0
    for user in range(users):
        drawn = (products * draw.random(ORDERS * LINES + LOOKS) ** 3).astype(int).tolist()
        parts = [(event_pb2.EVENT_TYPE_ORDER_COMPLETED, LINES)] * ORDERS
        for kind, count in [*parts, (event_pb2.EVENT_TYPE_PRODUCT_VIEWED, LOOKS)]:
            at += 1
            event = event_pb2.Event(
                message_id=str(at), type=kind, user_id=str(user), session_id=f"s{user}-{at}"
            )
            event.event_time.FromDatetime(NOW - timedelta(minutes=users * 3 - at))
            for item in dict.fromkeys(drawn[:count]):
                event.product_details.add(product_id=f"p{item}", quantity=1)
            drawn = drawn[count:]
            yield Record(EVENTS, at, event.message_id, event.SerializeToString(), NOW)


def fill(view: RecsysView, records: Iterator[Record], total: int) -> None:
    """Applies everything in the follower's batches."""
    done, begun = 0, time.process_time()
    while batch := list(islice(records, BATCH)):
        view.apply(batch)
        done += len(batch)
        if done % (BATCH * 500) < BATCH:
            print(f"  {done:,} of {total:,}", flush=True)
    spent = time.process_time() - begun
    print(f"applied {total:,} records: {spent:.0f} CPU-s, {spent / total * 1e6:.0f} CPU-us each", flush=True)


def timed(name: str, call: Callable[[int], object], users: int) -> None:
    """Prints what a call costs for 1,000 shoppers drawn at random."""
    spent = []
    for user in np.random.default_rng(2).integers(0, users, 1000).tolist():
        begun = time.process_time()
        call(user)
        spent.append((time.process_time() - begun) * 1000)
    print(f"{name:34} p50 {np.percentile(spent, 50):6.3f}  p99 {np.percentile(spent, 99):6.3f} CPU-ms")


def resident() -> float:
    """The memory that this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main(users: int, products: int) -> None:
    """Fills a view, opens it anew as a restarted server does, and reads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "view.db"
        view = RecsysView(path)
        fill(view, catalogue(products), products)
        fill(view, events(users, products), users * (ORDERS + 1))
        view.close()
        del view
        gc.collect()
        print(f"{users:,} shoppers, {products:,} products: {path.stat().st_size / 2**20:,.0f} MiB on disk")
        begun, view = time.process_time(), RecsysView(path)
        print(f"opened anew: {time.process_time() - begun:.2f} CPU-s")
        with view.shop():
            timed("taste and past", lambda u: (view.taste([f"user:{u}"]), view.past([f"user:{u}"])), users)
            timed("session", lambda u: view.session(f"s{u}-{u * 3 + 3}"), users)
            timed(
                "hidden and shown", lambda u: (view.hidden([f"user:{u}"]), view.shown([f"user:{u}"])), users
            )
            print(f"resident {resident():,.0f} MiB", end=", ")
        print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:,.0f} MiB")
        view.close()


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*numbers, *(20_000, 100_000)[len(numbers) :])
