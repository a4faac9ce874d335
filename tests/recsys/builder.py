"""A program that builds the view of a random but fixed history: the tests kill it and start it again."""

import random
import sys
from dataclasses import replace
from pathlib import Path

from services.kit.log import CATALOG, EVENTS, Record
from services.recsys.adapters.view import RecsysView
from services.recsys.domain.signals import Kind
from tests.recsys import world

EVENT_COUNT = 4000

LISTS = [
    lambda user, product_id, hours, kind=kind: world.said(user, kind, product_id, hours=hours)
    for kind in (Kind.SHOWN, Kind.HIDDEN, Kind.UNHIDDEN)
]


def streams() -> dict[str, list[Record]]:
    """Products that come, change and go; orders, refunds and looks of many shoppers, not in order of time."""
    draw = random.Random(7)
    ids = [product.id for product in world.PRODUCTS] + [f"p{number}" for number in range(300)]
    changes, events = [], []
    for _ in range(600):
        product = draw.choice(world.PRODUCTS)
        changes.append(world.change(product if draw.random() < 0.7 else draw.choice(ids)))
    for number in range(EVENT_COUNT):
        user, hours = f"u{draw.randrange(40)}", draw.uniform(0, 3000)
        what = draw.choice([world.bought] * 4 + [world.viewed, world.refunded, *LISTS])
        signal = replace(what(user, draw.choice(ids), hours=hours), session=f"session:s{draw.randrange(200)}")
        if draw.random() < 0.3:
            signal = replace(signal, device=f"visitor:v{draw.randrange(60)}")
        events.append(world.event(signal, f"m{number}"))
    return {CATALOG: world.records(changes), EVENTS: world.records(events)}


def build(path: Path, size: int, order: tuple[str, ...] = (EVENTS, CATALOG)) -> str:
    """Applies what is missing in batches of `size` and returns the view's digest."""
    view = RecsysView(path)
    all_records = streams()
    print("building", flush=True)
    for stream in order:
        left = [record for record in all_records[stream] if record.sequence > view.position(stream)]
        for start in range(0, len(left), size):
            view.apply(left[start : start + size])
    digest = view.database.digest()
    view.close()
    return digest


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), int(sys.argv[2])), flush=True)
