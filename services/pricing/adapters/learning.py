"""Chooses the next prices to learn from within the policies, and proposes them."""

import math

import numpy as np
from sqlalchemy import Connection

from services.kit.workers import Workers
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.desk import Desk
from services.pricing.adapters.store import Store
from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.learning.next_price import Choice, choose
from services.pricing.domain.limits import MICROS
from services.pricing.domain.ports import Answer, Ask, Learning, Learnt, Offers
from services.pricing.domain.product import Money
from services.pricing.domain.proposal import LIFE, Evidence, Proposal, Wish

MODEL = "thompson-logit"
"""What stands in a proposal as the version of its model."""


class Learner:
    """Learns over a store. Methods block: call them in a thread."""

    def __init__(self, store: Store) -> None:
        self._store, self._desk = store, Desk(store)

    def learn(self, learning: Learning) -> list[Learnt]:
        """See ports.Learner."""
        with self._store.database.read() as connection:
            chosen = self._chosen(connection, learning)
        wishes = [_wish(offers, found) for offers, found in chosen if isinstance(found, Choice)]
        if not wishes:
            return [Learnt(offers, None, None, str(found)) for offers, found in chosen]
        ask = Ask(learning.market, wishes, learning.proposer, learning.request_id, LIFE, keeps=True)
        answer = self._desk.propose(ask)
        proposals = {one.product_id: one for one in answer.proposals}
        return [_learnt(offers, found, proposals, answer) for offers, found in chosen]

    def _chosen(self, connection: Connection, learning: Learning) -> list[tuple[Offers, Choice | str]]:
        policies, now = self._store.policies(connection), self._store.now()
        if learning.market not in policies.markets:
            raise InvalidValue("no prices are kept for this market", field="market")
        ids = [offers.product_id for offers in learning.products]
        batch = Batch(self._store.database, connection, policies, ids, earliest=now)
        return [(offers, _choice(batch, learning, offers, now)) for offers in learning.products]


class SqlLearner:
    """See ports.Learner. Raises ServiceError OVERLOADED, too, when too many calls wait."""

    def __init__(self, learner: Learner, workers: Workers) -> None:
        self._learner, self._workers = learner, workers

    async def learn(self, learning: Learning) -> list[Learnt]:
        """See ports.Learner."""
        return await self._workers.run(self._learner.learn, learning)


def _choice(batch: Batch, learning: Learning, offers: Offers, now: int) -> Choice | str:
    """A price that the rules leave as it is; in words why there is none."""
    drafts = [
        batch.draft(learning.market, offers.product_id, Money(offers.currency, price), now)
        for price in offers.prices
    ]
    if refused := [draft for draft in drafts if isinstance(draft, str)]:
        return refused[0]
    allowed = np.array(
        [
            float(not isinstance(draft, str) and draft.money.micros == price)
            for draft, price in zip(drafts, offers.prices, strict=True)
        ]
    )
    if not allowed.any():
        return "the policy leaves none of these prices"
    facts = batch.facts(offers.product_id)
    cost, stock = facts.cost_in(offers.currency) or 0, math.inf
    if offers.stock:
        counted = facts.product.stock if facts.product else None
        pieces = counted if offers.stock.pieces is None else offers.stock.pieces
        if pieces is None:
            return "its stock is not counted: tell it"
        cost, stock = offers.stock.salvage, pieces / offers.stock.shoppers
    return choose(
        np.array(offers.prices) / MICROS,
        cost / MICROS,
        np.array(offers.offered, dtype=np.float64),
        np.array(offers.sold, dtype=np.float64),
        allowed,
        learning.exploration,
        learning.rule,
        f"{learning.market}/{learning.request_id}/{offers.product_id}",
        stock,
    )


def _wish(offers: Offers, found: Choice) -> Wish:
    how = "the best known price" if found.stopped else "tried to learn from"
    evidence = Evidence(
        model=MODEL,
        propensity=float(found.propensities[found.price]),
        inputs=("stock" if offers.stock else "cost", "price_history", "units_sold"),
        reason=f"{how}; stopping now is expected to lose {found.loss:.1%}",
    )
    return Wish(offers.product_id, Money(offers.currency, offers.prices[found.price]), evidence)


def _learnt(offers: Offers, found: Choice | str, proposals: dict[str, Proposal], answer: Answer) -> Learnt:
    if isinstance(found, str):
        return Learnt(offers, None, None, found)
    product_id = offers.product_id
    reason, kept = dict(answer.skipped).get(product_id, ""), product_id in answer.kept
    return Learnt(offers, found, proposals.get(product_id), reason, kept)
