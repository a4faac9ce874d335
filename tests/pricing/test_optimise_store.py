"""The optimiser over a store: what it proposes is what is paid; from real training to a price."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.progress import silent
from services.pricing.adapters.database import sqlite_url
from services.pricing.adapters.optimising import Planner
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.config import Config
from services.pricing.domain.demand.response import Response, Responses
from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.goals import Goals, Objective
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.ports import Wanted
from services.pricing.domain.proposal import Status
from services.pricing.train import train
from tests.pricing.shop import Clock, Shop, product, units
from tests.pricing.test_pipeline import policies
from tests.pricing.test_train import shop as year

NAMES = ("a", "b", "c", "d")
GOALS = Goals(Objective.REVENUE, max_step=300_000, max_mean_change=100_000)


def demand(draw: st.DataObject, prices: dict[str, float]) -> ServedDemand:
    served = ServedDemand()
    steep = st.floats(-5, -0.2)
    served.serve(
        Responses(
            "m1",
            [Response(n, "", "USD", p, 20.0, draw.draw(steep), 0.3, False) for n, p in prices.items()],
        )
    )
    return served


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(policies(), st.data())
def test_what_is_optimised_is_what_is_proposed_approved_and_paid(policy: Policy, data: st.DataObject) -> None:
    prices = {name: data.draw(st.integers(50, 3000)) / 100 for name in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(sqlite_url(Path(folder) / "pricing.db"), Clock())
        shop.policy(replace(policy, mode=Mode.PROPOSE, goals=GOALS))
        shop.catalog(*(product(name, price, cost=price / 2) for name, price in prices.items()))
        shop.clock.go(2)
        shop.seen("a", corner=prices["a"] * 0.9)
        planner = Planner(shop.store, demand(data, prices))
        found = planner.optimise(Wanted("default", proposer="ann", request_id="r"))
        assert len(found.plan.changes) == len(found.proposals)
        for change in found.plan.changes:
            proposal = found.proposals[change.item.product_id]
            assert (proposal.old, proposal.new) == (change.item.price, change.price)
            shop.desk.approve(proposal.number, "bob", "")
            quote = shop.quote(change.item.product_id)
            assert quote
            assert quote.price == change.price
        planner.optimise(
            Wanted("default", proposer="ann", request_id="r")
        )  # again: nothing is proposed twice
        assert len(shop.desk.proposals("default", None, None, 99)) == len(found.proposals)
        shop.close()


def test_where_the_policy_says_so_the_prices_apply_at_once(shop: Shop) -> None:
    shop.policy(Policy(mode=Mode.AUTOMATIC, goals=GOALS))
    shop.catalog(product("milk", 4.0, cost=1.0))
    served = ServedDemand()
    served.serve(Responses("m1", [Response("milk", "", "USD", 4.0, 20.0, -3.0, 0.1, False)]))
    found = Planner(shop.store, served).optimise(Wanted("default", proposer="nightly"))
    assert [one.status for one in found.proposals.values()] == [Status.APPLIED]
    assert shop.price("milk") == 3.6
    audit = shop.entries("milk")[-1].audit
    assert audit
    assert (audit.model, audit.elasticity, audit.approver) == ("m1", -3.0, "automatic")


async def test_from_orders_to_better_prices(tmp_path: Path) -> None:
    """Teas of elasticity -2 whose prices moved between 3.00 and 5.00: revenue wants them near 3.00."""
    log = MemoryLog()
    await log.append(year(30))
    await train(Config(home=tmp_path), progress=silent, log=log)
    model = ModelStore(tmp_path, "pricing").current()
    assert model
    served = ServedDemand()
    served.take(model)
    low, high = served.paid("tea0") or (0, 0)
    assert (round(low, 1), round(high, 1)) == (3.0, 5.0)
    shop = Shop(sqlite_url(tmp_path / "p.db"), Clock())
    shop.policy(Policy(mode=Mode.PROPOSE, goals=replace(GOALS, max_mean_change=0, max_step=500_000)))
    shop.catalog(*(product(f"tea{n}", 4.0, categories=["Drinks > Tea"]) for n in range(6)))
    plan = Planner(shop.store, served).optimise(Wanted("default")).plan
    assert len(plan.changes) == 6
    for change in plan.changes:
        assert units(2.65) <= change.price <= 3 * MICROS
        assert change.revenue.value > 0
    shop.close()
