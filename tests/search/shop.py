"""A shop of a dozen products whose right answers a reader sees by eye."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.events.v1 import event_pb2
from aisle.search.v1 import control_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.log import CATALOG, CONTROLS, EVENTS, Entry, Record
from services.search.adapters.sqlite_view import SearchDatabase, SearchView, open_database

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
IN, OUT, PRE = (
    product_pb2.AVAILABILITY_IN_STOCK,
    product_pb2.AVAILABILITY_OUT_OF_STOCK,
    product_pb2.AVAILABILITY_PREORDER,
)


def money(amount: float, currency: str = "USD") -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, amount_micros=round(amount * 1_000_000))


def product(
    id_: str,
    title: str,
    category: str = "",
    brand: str = "",
    price: float | None = None,
    availability: product_pb2.Availability.ValueType = IN,
    description: str = "",
) -> product_pb2.Product:
    return product_pb2.Product(
        id=id_,
        title=title,
        categories=[category] if category else [],
        brand=brand,
        price=None if price is None else money(price),
        availability=availability,
        description=description,
    )


MILK, TEA, TOYS = "Grocery > Dairy > Milk", "Grocery > Tea", "Toys"

SHOP = (
    product("milk-1", "Whole Milk", MILK, "Acme", 3.99),
    product("milk-2", "Oat Milk", MILK, "Oaty", 4.99),
    product("milk-3", "Oat Milk Barista", MILK, "Oaty", 5.49, OUT),
    product("choc-1", "Milk Chocolate", "Grocery > Sweets", "ACME", 1.50),
    product("choc-2", "Dark Chocolate", "Grocery > Sweets", "acme", 1.75),
    product("tea-1", "Green Tea", TEA, "Leaf", 2.00),
    product("tea-2", "Black Tea", TEA, "Leaf", 2.50, PRE),
    product("toy-1", "Wooden Train", TOYS, "Playco", 25.00, description="A train of beech wood"),
    product("toy-2", "Toy Cow", TOYS, "Playco", 12.00),
    product("gift", "Gift Card", "", "", None),
    product("cjk", "北海道味噌", "Imported", "北海道", 6.00),
    product("cafe", "Café Crème", "Grocery > Coffee", "Léa", 7.25),
)

CONCEPTS = {"cow": "dairy", "milk": "dairy", "beverage": "tea", "locomotive": "train"}
"""What words mean the same to the tests' encoder."""


def upsert(item: product_pb2.Product) -> Entry:
    return Entry(CATALOG, item.id, product_pb2.ProductChange(upsert=item).SerializeToString())


def delete(id_: str) -> Entry:
    return Entry(CATALOG, id_, product_pb2.ProductChange(delete_id=id_).SerializeToString())


def searched(message: str, query: str, visitor: str = "", user: str = "") -> Entry:
    event = event_pb2.Event(
        message_id=message,
        type=event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED,
        visitor_id=visitor,
        user_id=user,
        search_query=query,
    )
    return Entry(EVENTS, message, event.SerializeToString())


def event(number: int, kind: str, answer: str, products: list[str], type_: int) -> Entry:
    """An event with the token of an answer, whose query is `kind`."""
    made = event_pb2.Event(
        message_id=f"{number}-{type_}",
        type=event_pb2.EventType.ValueType(type_),
        event_time=Timestamp(seconds=int(BEGIN.timestamp()) - 100_000 + number),
        visitor_id="v",
        attribution_token=base64.urlsafe_b64encode(f"1|{answer}|search|0|".encode()).rstrip(b"=").decode(),
        search_query=kind,
        product_details=[
            event_pb2.ProductDetail(product_id=name, position=at) for at, name in enumerate(products, 1)
        ],
    )
    return Entry(EVENTS, made.message_id, made.SerializeToString())


def clicks_of(number: int, query: str, shown: list[str], clicked: list[str]) -> list[Entry]:
    """An answer that was seen, and what was clicked of it."""
    searched, taken = event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED, event_pb2.EVENT_TYPE_PRODUCT_CLICKED
    seen = event(number, query, f"r{number}", shown, searched)
    return [seen, event(number, "", f"r{number}", clicked, taken)] if clicked else [seen]


def clicked(message: str, product_id: str, visitor: str = "") -> Entry:
    event = event_pb2.Event(
        message_id=message,
        type=event_pb2.EVENT_TYPE_PRODUCT_CLICKED,
        visitor_id=visitor,
        product_details=[event_pb2.ProductDetail(product_id=product_id)],
    )
    return Entry(EVENTS, message, event.SerializeToString())


def control(**fields: object) -> Entry:
    change = control_pb2.ControlChange(set=control_pb2.Control(**fields))  # type: ignore[arg-type]
    return Entry(CONTROLS, change.set.control_id, change.SerializeToString())


def records(entries: Sequence[Entry]) -> list[Record]:
    """What the log would make of the entries: one sequence a stream."""
    ends: dict[str, int] = {}
    made = []
    for number, entry in enumerate(entries):
        sequence = ends[entry.stream] = ends.get(entry.stream, 0) + 1
        when = BEGIN + timedelta(seconds=number)
        made.append(Record(entry.stream, sequence, entry.key, entry.payload, when))
    return made


def fill(database: SearchDatabase, entries: Sequence[Entry]) -> None:
    """Applies entries, each stream for itself as the follower does."""
    view = SearchView(database)
    for stream in view.streams:
        view.apply([record for record in records(entries) if record.stream == stream])


@contextmanager
def shop_database(home: Path, entries: Sequence[Entry] | None = None) -> Iterator[SearchDatabase]:
    """A view of the shop, or of other entries."""
    database = open_database(home)
    try:
        fill(database, [upsert(item) for item in SHOP] if entries is None else entries)
        yield database
    finally:
        database.close()
