"""The gateway's view: killed anywhere it comes back equal, and its own answers are right."""

import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from aisle.catalog.v1 import product_pb2

from services.gateway.adapters.view import GatewayView
from services.gateway.domain.model import Filter, Order
from services.gateway.domain.ports import SearchQuery
from services.kit.log import CATALOG, EVENTS, Record
from tests.gateway.shop import event, product

KILLS = 6
TABLES = ("products", "popularity")


def records(stream: str) -> list[Record]:
    """A catalogue that changes much, or orders of three months; the same in every process."""
    draw = random.Random(7)
    made = []
    for sequence in range(1, 3001):
        key = f"p{draw.randrange(60):02}"
        if stream == EVENTS:
            seconds = 1_700_000_000 + 86_400 * draw.randrange(90)
            key, payload = f"m{sequence}", event(sequence, key, "p01", seconds=seconds).SerializeToString()
        elif draw.random() < 0.2:
            payload = product_pb2.ProductChange(delete_id=key).SerializeToString()
        else:
            upsert = product(int(key[1:]), title=f"Milk {sequence}")
            payload = product_pb2.ProductChange(upsert=upsert).SerializeToString()
        if sequence % 997 == 0:
            payload = b"\xff not a message"
        made.append(Record(stream, sequence, key, payload, datetime(2026, 1, 1, tzinfo=UTC)))
    return made


def follow(path: Path, size: int = 20) -> None:
    """Applies what the view does not have yet, as a follower does; the process that is killed."""
    view = GatewayView(path)
    for stream in view.streams:
        rest = records(stream)[view.position(stream) :]
        for start in range(0, len(rest), size):
            view.apply(rest[start : start + size])
            print("applied", flush=True)


def test_a_view_killed_anywhere_comes_back_equal_to_one_rebuilt(tmp_path):
    killed, draw = tmp_path / "killed.db", random.Random()
    code = (
        "import sys, pathlib; from tests.gateway.test_view import follow; follow(pathlib.Path(sys.argv[1]))"
    )
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", code, str(killed)], stdout=subprocess.PIPE, text=True)
        for _ in range(draw.randrange(1, 60)):  # batches, and then somewhere inside the next
            child.stdout.readline()
        while draw.random() > 0.001:
            pass
        child.kill()
        child.communicate()
    half = GatewayView(killed)
    assert half.position(CATALOG) > 0
    half.database.close()
    follow(killed, size=7)
    follow(tmp_path / "rebuilt.db", size=500)
    views = [GatewayView(killed), GatewayView(tmp_path / "rebuilt.db")]
    assert views[0].database.digest(*TABLES) == views[1].database.digest(*TABLES)
    assert [view.position(EVENTS) for view in views] == [3000, 3000]
    with views[0].database.read() as connection:
        connection.execute("SELECT count(*) FROM titles").fetchone()
    views[0].clear()
    assert views[0].cards(["p01"]) == {}


def filled(tmp_path) -> GatewayView:
    view = GatewayView(tmp_path / "view.db", in_memory=5)
    changes = [product_pb2.ProductChange(upsert=product(n)) for n in range(30)]
    view.apply(
        [
            Record(CATALOG, n + 1, f"p{n:02}", change.SerializeToString(), datetime.now(UTC))
            for n, change in enumerate(changes)
        ]
    )
    return view


async def test_search_filters_sorts_and_pages_by_itself(tmp_path):
    view = filled(tmp_path)
    first = await view.search(SearchQuery("mil", size=4, order=Order.PRICE_DESCENDING))
    assert [one.product_id for one in first.candidates] == ["p27", "p24", "p21", "p18"]
    assert first.total == 10
    query = SearchQuery("mil", size=4, order=Order.PRICE_DESCENDING, token=first.next_token)
    assert [one.product_id for one in (await view.search(query)).candidates] == ["p15", "p12", "p09", "p06"]
    none = SearchQuery("milk", Filter(categories=("Grocery > Bread",)))
    assert (await view.search(none)).candidates == ()
    assert (await view.search(SearchQuery('"*() NEAR'))).candidates == ()
    assert await view.complete("bREAD 1", 3) == ("Bread 1", "Bread 10", "Bread 13")


async def test_popular_counts_orders_of_the_newest_months_and_existing_products(tmp_path):
    view = filled(tmp_path)
    day = 86_400
    orders = [event(1, "p01", "p01"), event(2, "p02"), event(3, "p02", "gone"), event(4, "p03", seconds=day)]
    view.apply(
        [
            Record(EVENTS, n, one.message_id, one.SerializeToString(), datetime.now(UTC))
            for n, one in enumerate(orders, 1)
        ]
    )
    assert [(one.product_id, one.score) for one in await view.popular()] == [("p02", 2.0), ("p01", 1.0)]


def test_a_card_in_memory_changes_with_its_product(tmp_path):
    view = filled(tmp_path)
    assert view.cards(["p01"])["p01"].title == "Bread 1"
    change = product_pb2.ProductChange(upsert=product(1, title="Rolls", availability=2))
    view.apply([Record(CATALOG, 31, "p01", change.SerializeToString(), datetime.now(UTC))])
    assert (view.cards(["p01"])["p01"].title, view.cards(["p01"])["p01"].in_stock) == ("Rolls", False)
    many = [f"p{n:02}" for n in range(30)]
    assert len(view.cards(many)) == 30
