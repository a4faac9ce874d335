"""Optimises what the store holds with the demand that was learnt, and proposes what comes out."""

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection, func, select

from services.kit.workers import Workers
from services.pricing.adapters import tables
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.desk import Desk
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.adapters.store import CHUNK, Store
from services.pricing.domain.demand.response import Responses
from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.limits import DAY, MAX_QUOTED, MICROS
from services.pricing.domain.optimiser.candidates import Item
from services.pricing.domain.optimiser.clearing import Clearing, markdown
from services.pricing.domain.optimiser.curve import curve
from services.pricing.domain.optimiser.gains import WEEK
from services.pricing.domain.optimiser.optimise import Change, Plan, optimise
from services.pricing.domain.optimiser.promotions import Calendar, Cross, Offer, promotions
from services.pricing.domain.optimiser.proposing import markdown_wishes, promotion_wishes
from services.pricing.domain.policy import is_below
from services.pricing.domain.ports import (
    Answer,
    Ask,
    Cleared,
    Described,
    Optimised,
    Planned,
    Proposing,
    Wanted,
)
from services.pricing.domain.product import Money
from services.pricing.domain.proposal import LIFE, Evidence, Interval, Proposal, Wish
from services.pricing.domain.words import amount

T = TypeVar("T")
LAST_START = 365 * DAY


class Planner:
    """Optimises over a store. Methods block: call them in a thread."""

    def __init__(self, store: Store, demand: ServedDemand) -> None:
        self._store, self._demand, self._desk = store, demand, Desk(store)

    def optimise(self, wanted: Wanted) -> Optimised:
        """See ports.Optimiser."""
        responses = self._demand.responses()
        now = self._store.now()
        items, skipped = self.items(wanted, responses, now)
        plan = optimise(items, now, wanted.objective, responses.crossing)
        plan = plan._replace(skipped=sorted([*skipped, *plan.skipped]))
        if not wanted.proposer:
            return Optimised(plan, responses.version, {})
        made, left = self._propose(wanted, plan, responses.version)
        return Optimised(plan._replace(skipped=sorted([*plan.skipped, *left])), responses.version, made)

    def markdown(self, market: str, product_id: str, asked: Clearing, proposing: Proposing | None) -> Cleared:
        """See ports.Optimiser."""
        responses, now = self._demand.responses(), self._store.now()
        items, skipped = self.items(Wanted(market, [product_id]), responses, now)
        if not items:
            raise InvalidValue(skipped[0][1], field="product_id")
        found = markdown(items[0], asked, now)
        wishes = markdown_wishes(found, responses.version, now)
        return Cleared(found, responses.version, self._proposed(market, wishes, proposing))

    def promotions(
        self,
        wanted: Wanted,
        calendar: Calendar,
        start: int | None,
        cross: Cross,
        proposing: Proposing | None,
    ) -> Planned:
        """See ports.Optimiser."""
        responses, now = self._demand.responses(), self._store.now()
        first = now if start is None else start
        if not now - DAY <= first <= now + LAST_START:
            raise InvalidValue("start_time must lie ahead, a year at most", field="start_time")
        items, skipped = self.items(wanted, responses, now)
        starts = [first + week * WEEK for week in range(calendar.weeks)]
        offers = [Offer(item, tuple(item.reference(start) for start in starts)) for item in items]
        learnt: Cross = {} if calendar.cannibalised else responses.crossing
        found = promotions(offers, calendar, ChainMap(dict(cross), learnt))  # type: ignore[arg-type]
        wishes = promotion_wishes(found.chosen, responses.version, first, now)
        proposed = self._proposed(wanted.market, wishes, proposing)
        told = found._replace(skipped=sorted([*skipped, *found.skipped]))
        return Planned(told, first, responses.version, proposed)

    def _proposed(self, market: str, wishes: list[Wish], proposing: Proposing | None) -> Answer | None:
        """Proposes a plan, all of it or nothing."""
        if proposing is None:
            return None
        ask = Ask(market, wishes, proposing.proposer, proposing.plan_id, LIFE, plan=True)
        return self._desk.propose(ask)

    def described(self, market: str, product_id: str) -> Described:
        """See ports.Optimiser."""
        responses, now = self._demand.responses(), self._store.now()
        response = responses.get(product_id)
        if response is None:
            raise InvalidValue("the model does not know its demand", field="product_id")
        with self._store.database.read() as connection:
            policies, ids = self._store.policies(connection), [product_id]
            batch = Batch(self._store.database, connection, policies, ids, earliest=now)
            state = batch.state(market, product_id)
            if state.currency != response.currency or not state.price:
                raise InvalidValue("it has no price in the currency of its demand", field="product_id")
            seen = self._seen(connection, market, ids).get(product_id)
            item = batch.known(market, product_id, now, response, seen)
        return Described(curve(item), responses.version, self._demand.weeks(product_id))

    def items(
        self, wanted: Wanted, responses: Responses, now: int
    ) -> tuple[list[Item], list[tuple[str, str]]]:
        """The products to price, and those that cannot be, with the reason. Of a scope only what the model
        knows is looked at; products that were named are all told of.
        """
        items: list[Item] = []
        skipped: list[tuple[str, str]] = []
        with self._store.database.read() as connection:
            policies = self._store.policies(connection)
            if wanted.market not in policies.markets:
                raise InvalidValue("no prices are kept for this market", field="market")
            for ids in _chunks(wanted.product_ids or sorted(responses), CHUNK):
                batch = Batch(self._store.database, connection, policies, ids, earliest=now)
                seen = self._seen(connection, wanted.market, ids)
                for product_id in ids:
                    if not is_below(batch.facts(product_id).categories, wanted.category):
                        continue
                    response = responses.get(product_id)
                    item = batch.item(wanted.market, product_id, now, response, seen.get(product_id))
                    if isinstance(item, str):
                        skipped.append((product_id, item))
                    else:
                        items.append(item)
        return items, skipped

    def _seen(self, connection: Connection, market: str, ids: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """The lowest and highest price that was ever in force, or paid in the weeks of the model."""
        ledger = tables.ledger.c
        here = (ledger.market == market) & self._store.database.among(ledger.product_id, ids)
        found = select(ledger.product_id, func.min(ledger.price), func.max(ledger.price)).where(here)
        seen = {row[0]: (row[1], row[2]) for row in connection.execute(found.group_by(ledger.product_id))}
        for product_id in ids:
            if paid := self._demand.paid(product_id):
                prices = [round(price * MICROS) for price in paid]
                seen[product_id] = (
                    min([*prices, *seen.get(product_id, ())]),
                    max([*prices, *seen.get(product_id, ())]),
                )
        return seen

    def _propose(
        self, wanted: Wanted, plan: Plan, model: str
    ) -> tuple[dict[str, Proposal], list[tuple[str, str]]]:
        made: dict[str, Proposal] = {}
        left: list[tuple[str, str]] = []
        for number, changes in enumerate(_chunks(plan.changes, MAX_QUOTED)):
            request_id = f"{wanted.request_id}/{number}" if wanted.request_id else ""
            wishes = [_wish(change, model) for change in changes]
            answer = self._desk.propose(Ask(wanted.market, wishes, wanted.proposer, request_id, LIFE))
            made |= {proposal.product_id: proposal for proposal in answer.proposals}
            left += answer.skipped
        return made, left


class SqlOptimiser:
    """See ports.Optimiser. Raises ServiceError OVERLOADED, too, when too many calls wait."""

    def __init__(self, planner: Planner, workers: Workers) -> None:
        self._planner, self._workers = planner, workers

    async def optimise(self, wanted: Wanted) -> Optimised:
        """See ports.Optimiser."""
        return await self._workers.run(self._planner.optimise, wanted)

    async def described(self, market: str, product_id: str) -> Described:
        """See ports.Optimiser."""
        return await self._workers.run(self._planner.described, market, product_id)

    async def markdown(
        self, market: str, product_id: str, asked: Clearing, proposing: Proposing | None
    ) -> Cleared:
        """See ports.Optimiser."""
        return await self._workers.run(self._planner.markdown, market, product_id, asked, proposing)

    async def promotions(
        self,
        wanted: Wanted,
        calendar: Calendar,
        start: int | None,
        cross: Cross,
        proposing: Proposing | None,
    ) -> Planned:
        """See ports.Optimiser."""
        return await self._workers.run(self._planner.promotions, wanted, calendar, start, cross, proposing)


def _wish(change: Change, model: str) -> Wish:
    item, response = change.item, change.item.response
    evidence = Evidence(
        model=model,
        elasticity=response.elasticity,
        elasticity_error=response.elasticity_error,
        units=change.units,
        revenue=_micros(change.revenue),
        margin=_micros(change.margin) if change.margin else None,
        constraints=change.constraints,
        inputs=item.inputs(change.stock),
        reason=f"{amount(item.price)} to {amount(change.price)} for the policy's goals",
    )
    return Wish(item.product_id, Money(response.currency, change.price), evidence)


def _micros(change: Interval) -> Interval:
    return Interval(*(value * 1e6 for value in change))


def _chunks(found: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]
