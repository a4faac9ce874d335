"""Takes a fixed log into a pricing store until it is killed: python -m tests.pricing.victim URL."""

import sys
from random import Random

from services.kit.log import CATALOG, EVENTS, Record
from services.pricing.adapters.database import Database
from services.pricing.adapters.governing import Governor
from services.pricing.adapters.store import Store
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.policy import Policy
from services.pricing.domain.quotes import Quotes
from tests.pricing.shop import START_MICROS, deletion, order, product, record


def history() -> list[Record]:
    """Two hundred days of a small shop: new prices, orders, deletions, each day both."""
    draw, records = Random(7), []
    for day in range(200):
        at = START_MICROS + day * DAY
        name = f"p{draw.randrange(12)}"
        price = draw.choice([None, *(draw.randrange(100, 900) / 100 for _ in range(3))])
        change = deletion(name) if draw.random() < 0.1 else product(name, price, cost=1.0)
        records.append(record(CATALOG, day + 1, change, at))
        lines = {f"p{draw.randrange(14)}": draw.randrange(100, 900) / 100 for _ in range(4)}
        records.append(record(EVENTS, day + 1, order(lines, at - draw.randrange(3) * DAY), at + 1))
    return records


def policies() -> list[Policy]:
    """What is set before the log is taken in."""
    return [
        Policy(currency="USD", floor=2 * MICROS, max_daily_step=100_000, endings=(990_000, 490_000)),
        Policy(market="north", min_margin=300_000),
    ]


def take_in(store: Store) -> None:
    """Goes on where the store stands. The streams are taken in turn."""
    reached = {stream: store.position(stream) for stream in store.streams}
    left = [one for one in history() if one.sequence > reached[one.stream]]
    for number, one in enumerate(left):
        store.apply([one])
        print(number, flush=True)


def main() -> None:
    """Prints a line for each record taken in."""
    store = Store(Database(sys.argv[1]), Quotes(), lambda: START_MICROS)
    store.open()
    for policy in policies():
        Governor(store).set_policy(policy)
    take_in(store)
    print("done", flush=True)


if __name__ == "__main__":
    main()
