"""Whoever the shoppers are, and whatever an event says of them, the prices are the same."""

import tempfile
from pathlib import Path

from aisle.events.v1 import event_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricing.adapters import tables
from services.pricing.adapters.database import sqlite_url
from services.pricing.domain.policy import Policy
from tests.pricing.shop import START_MICROS, Clock, Shop, contents, order, product

PRICED = {"type", "event_time", "product_details"}
"""The fields of an event that a price may come from: what, when, and what was paid for one piece."""

PERSONAL = [field for field in event_pb2.Event.DESCRIPTOR.fields if field.name not in PRICED]
"""All others, now and whenever one is added: ids, tokens, searches, coupons, stars."""

people = st.fixed_dictionaries(
    {
        field.name: st.floats(0, 5, width=32)
        if field.cpp_type == field.CPPTYPE_FLOAT
        else st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
        for field in PERSONAL
    }
)


def prices_of(shoppers: list[dict[str, object]]) -> dict[str, list[tuple[object, ...]]]:
    """All prices and the ledger of a shop whose orders these shoppers placed."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(sqlite_url(Path(folder) / "pricing.db"), Clock())
        shop.policy(Policy(min_margin=100_000, max_daily_step=500_000, endings=(990_000,)))
        shop.catalog(product("milk", cost=1.0), product("bread", 2.0))
        for day, who in enumerate(shoppers):
            event = order({"milk": 2.0 + day, "bread": 1.0}, START_MICROS - day)
            for name, value in who.items():
                setattr(event, name, value)
            shop.orders(event)
        found = contents(shop.database, tables.prices, tables.ledger)
        shop.close()
        return found


NOBODY = prices_of([{}, {}, {}])


def test_the_personal_fields_are_all_others_of_an_event() -> None:
    assert {"user_id", "visitor_id", "session_id", "coupon_id"} <= {field.name for field in PERSONAL}


@settings(max_examples=25, deadline=None)
@given(st.lists(people, min_size=3, max_size=3))
def test_nothing_that_an_event_says_of_a_person_changes_a_price(shoppers: list[dict[str, object]]) -> None:
    assert prices_of(shoppers) == NOBODY
