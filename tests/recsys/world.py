"""A corner shop whose right answers a reader sees by eye.

Milk goes with cereal, chips with salsa and beer. Ann buys milk, Bob chips; everybody buys bread.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2

from services.kit.log import CATALOG, EVENTS, Entry, Record
from services.recsys.domain.catalogue import Product
from services.recsys.domain.cooccurrence import learn
from services.recsys.domain.interactions import Interactions, Past, interactions_of
from services.recsys.domain.models.cooccurrence import CooccurrenceModel
from services.recsys.domain.neighbours import Neighbours
from services.recsys.domain.signals import Kind, Signal
from services.recsys.domain.trained import Role, Trained

START = datetime(2026, 1, 1, tzinfo=UTC)

PRODUCTS = (
    Product("milk", "Whole Milk 1 Gal", "Farm", ("Food > Dairy > Milk",), "USD", 3_990_000),
    Product("oat", "Oat Drink", "Farm", ("Food > Dairy > Milk",), "USD", 4_990_000),
    Product("butter", "Butter", "Farm", ("Food > Dairy > Butter",), "USD", 5_490_000),
    Product("cereal", "Corn Cereal", "Crunch", ("Food > Breakfast > Cereal",), "USD", 4_500_000),
    Product("bread", "White Bread", "Oven", ("Food > Bakery",), "USD", 1_990_000),
    Product("chips", "Potato Chips", "Crunch", ("Food > Snacks > Chips",), "USD", 2_500_000),
    Product("salsa", "Salsa", "Hot", ("Food > Snacks > Dips",), "USD", 2_990_000),
    Product("beer", "Lager", "Brew", ("Drinks > Beer",), "EUR", 1_100_000),
    Product("soap", "Soap", "Clean", ("Home > Bath",)),
    Product("guac", "Guacamole", "Hot", ("Food > Snacks > Dips",), "USD", 3_990_000, in_stock=False),
)

BASKETS = (
    *[("cara", ("milk", "cereal", "bread"))] * 6,
    *[("dan", ("chips", "salsa", "beer", "bread"))] * 5,
    *[("eve", ("chips", "guac", "bread"))] * 3,
    *[("ann", ("milk", "bread"))] * 3,
    ("ann", ("butter",)),
    *[("bob", ("chips",))] * 2,
)
"""Orders, one an hour."""


def at(hours: float) -> float:
    """Unix seconds, some hours after the world began."""
    return (START + timedelta(hours=hours)).timestamp()


def bought(user: str, *product_ids: str, hours: float = 100, pieces: int = 1) -> Signal:
    """An order."""
    items = tuple((product_id, pieces) for product_id in product_ids)
    return Signal(f"user:{user}", Kind.PURCHASE, 1.0, at(hours), items)


def refunded(user: str, product_id: str, hours: float = 101, pieces: int = 1) -> Signal:
    """A refund."""
    return Signal(f"user:{user}", Kind.REFUND, 1.0, at(hours), ((product_id, pieces),))


def viewed(user: str, product_id: str, hours: float = 100) -> Signal:
    """A look at a product's page."""
    return Signal(f"user:{user}", Kind.INTEREST, 0.2, at(hours), ((product_id, 1),))


def said(user: str, kind: Kind, *product_ids: str, hours: float = 100) -> Signal:
    """Lists shown, and what was hidden from them and what no more."""
    return Signal(f"user:{user}", kind, 1.0, at(hours), tuple((product_id, 1) for product_id in product_ids))


def history() -> list[Signal]:
    """The world's orders as signals."""
    return [bought(user, *basket, hours=hours) for hours, (user, basket) in enumerate(BASKETS)]


def neighbours() -> Neighbours:
    """What goes together in the world's baskets."""
    ids = [product.id for product in PRODUCTS]
    lines = [(b, ids.index(i)) for b, (_, items) in enumerate(BASKETS) for i in items]
    baskets, items = (np.array(column, np.int32) for column in zip(*lines, strict=True))
    return learn(ids, baskets, items)


def interactions() -> Interactions:
    """The world's baskets, shopper by shopper."""
    ids = [product.id for product in PRODUCTS]
    pasts = []
    for shopper in dict.fromkeys(user for user, _ in BASKETS):
        mine = [(hours, basket) for hours, (user, basket) in enumerate(BASKETS) if user == shopper]
        lines = [(ids.index(i), b, at(h)) for b, (h, basket) in enumerate(mine) for i in basket]
        items, baskets, times = zip(*lines, strict=True)
        pasts.append(Past(np.array(items, np.int32), np.array(baskets, np.int32), np.array(times)))
    return interactions_of(len(ids), pasts)


def model() -> Trained:
    """What goes together, as it is served."""
    model = CooccurrenceModel().fit(interactions())
    return Trained([product.id for product in PRODUCTS], {Role.COOCCURRENCE: model})


_TYPES = {
    Kind.PURCHASE: event_pb2.EVENT_TYPE_ORDER_COMPLETED,
    Kind.REFUND: event_pb2.EVENT_TYPE_ORDER_REFUNDED,
    Kind.INTEREST: event_pb2.EVENT_TYPE_PRODUCT_VIEWED,
    Kind.SHOWN: event_pb2.EVENT_TYPE_PRODUCT_LIST_VIEWED,
    Kind.HIDDEN: event_pb2.EVENT_TYPE_PRODUCT_HIDDEN,
    Kind.UNHIDDEN: event_pb2.EVENT_TYPE_PRODUCT_UNHIDDEN,
}


def change(product: Product | str) -> Entry:
    """A product's upsert, or the deletion of an id, as the gateway appends it."""
    if isinstance(product, str):
        return Entry(CATALOG, product, product_pb2.ProductChange(delete_id=product).SerializeToString())
    message = product_pb2.Product(
        id=product.id, title=product.title, brand=product.brand, categories=product.categories
    )
    if product.currency:
        message.price.currency_code, message.price.amount_micros = product.currency, product.price
    if not product.in_stock:
        message.availability = product_pb2.AVAILABILITY_OUT_OF_STOCK
    return Entry(CATALOG, product.id, product_pb2.ProductChange(upsert=message).SerializeToString())


def event(signal: Signal, message_id: str) -> Entry:
    """A signal as the event it was read from."""
    kind, _, name = signal.shopper.partition(":")
    message = event_pb2.Event(message_id=message_id, type=_TYPES[signal.kind], **{f"{kind}_id": name})
    for key in filter(None, (signal.device, signal.session)):
        other, _, name = key.partition(":")
        setattr(message, f"{other}_id", name)
    message.segment = signal.segment
    message.event_time.FromNanoseconds(int(signal.time * 1e9))
    for product_id, pieces in signal.items:
        message.product_details.add(product_id=product_id, quantity=pieces)
    return Entry(EVENTS, message_id, message.SerializeToString())


def entries() -> list[Entry]:
    """The whole world as the log holds it."""
    events = [event(signal, f"m{number}") for number, signal in enumerate(history())]
    return [*(change(product) for product in PRODUCTS), *events]


def records(entries: Sequence[Entry], first: int = 1) -> list[Record]:
    """Entries of one stream as records, numbered from `first`."""
    time = START + timedelta(days=365)
    return [Record(e.stream, n, e.key, e.payload, time) for n, e in enumerate(entries, first)]
