"""Whoever the shoppers are, and whatever an event says of them, the prices are the same."""

import tempfile
from pathlib import Path

from aisle.events.v1 import event_pb2
from aisle.pricing.v1 import optimization_pb2 as opb
from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricing.adapters import tables
from services.pricing.adapters.database import sqlite_url
from services.pricing.adapters.optimising import Planner
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.domain.demand.response import Response, Responses
from services.pricing.domain.optimiser.goals import Objective
from services.pricing.domain.optimiser.optimise import Change, optimise
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.ports import Wanted
from services.pricing.domain.proposal import ALLOWED_INPUTS
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
        shop.policy(
            Policy(mode=Mode.PROPOSE, min_margin=100_000, max_daily_step=500_000, endings=(890_000, 990_000))
        )
        shop.catalog(product("milk", cost=1.0), product("bread", 2.0))
        for day, who in enumerate(shoppers):
            event = order({"milk": 2.0 + day, "bread": 1.0}, START_MICROS - day)
            for name, value in who.items():
                setattr(event, name, value)
            shop.orders(event)
        found = contents(shop.database, tables.prices, tables.ledger)
        found["plan"] = [tuple(change) for change in optimised(shop)]
        shop.close()
        return found


def optimised(shop: Shop) -> list[Change]:
    """What the optimiser makes of the shop, for a demand that is known."""
    known = [Response(name, "", "USD", 2.0, 9.0, -3.0, 0.2, False) for name in ("milk", "bread")]
    planner = Planner(shop.store, ServedDemand())
    items, skipped = planner.items(Wanted("default"), Responses("m1", known), shop.clock.now)
    assert not skipped
    for one in items:
        assert set(one.inputs(True)) <= ALLOWED_INPUTS
    return optimise(items, shop.clock.now, Objective.REVENUE).changes


NOBODY = prices_of([{}, {}, {}])


def test_the_personal_fields_are_all_others_of_an_event() -> None:
    assert {"user_id", "visitor_id", "session_id", "coupon_id"} <= {field.name for field in PERSONAL}


def test_no_request_of_the_optimiser_says_who_shops() -> None:
    asked = (opb.OptimizePricesRequest, opb.PlanMarkdownRequest, opb.PlanPromotionsRequest)
    names = {field.name for message in asked for field in message.DESCRIPTOR.fields}
    assert not names & {field.name for field in PERSONAL}


@settings(max_examples=25, deadline=None)
@given(st.lists(people, min_size=3, max_size=3))
def test_nothing_that_an_event_says_of_a_person_changes_a_price(shoppers: list[dict[str, object]]) -> None:
    assert NOBODY["plan"]
    assert prices_of(shoppers) == NOBODY
