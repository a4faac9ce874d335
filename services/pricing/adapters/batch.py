"""The products that one transaction touches: read at once, changed in memory, written at once."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection, and_, select

from services.pricing.adapters import ledger, rows, tables
from services.pricing.adapters.database import Database
from services.pricing.domain.account import Entry, State, measured_against, reprice
from services.pricing.domain.competitor import Rival
from services.pricing.domain.demand.response import Response
from services.pricing.domain.limits import CLAIM, MICROS, WINDOW
from services.pricing.domain.optimiser.candidates import Item, refused, trusted
from services.pricing.domain.policies import Policies
from services.pricing.domain.product import Facts, Money, Observed, Product
from services.pricing.domain.proposal import Draft, draft
from services.pricing.domain.terms import Assigned, Decision, Terms

Changed = tuple[str, str, State]
"""A market, a product, and its state from now on."""


class Batch:
    """Working copies of some products, their prices in every market, and new ledger entries.

    `earliest` is the first moment that a price may change at; the ledger is read from 30 days before it on.
    With `live` False, all changes are too old to announce a reduction, and only the ledgers of markets with
    a daily step are read.
    """

    def __init__(
        self,
        database: Database,
        connection: Connection,
        policies: Policies,
        product_ids: Collection[str],
        *,
        earliest: int,
        live: bool = True,
    ) -> None:
        self._database, self._connection, self._policies = database, connection, policies
        self._facts: dict[str, Facts] = {}
        self._states: dict[tuple[str, str], State] = {}
        self._recent: dict[tuple[str, str], list[Entry]] = {}
        self._decisions: dict[tuple[str, str], Decision] = {}
        self._rivals: dict[tuple[str, str], list[Rival]] = {}
        self._assigned: dict[tuple[str, str], Assigned] = {}
        self._sales: dict[tuple[str, int], bool] = {}
        self._entries: list[tuple[str, str, Entry]] = []
        self._changed_products: set[str] = set()
        self._changed_observed: set[str] = set()
        self._changed_states: set[tuple[str, str]] = set()
        self._changed_decisions: set[tuple[str, str]] = set()
        self._read(product_ids, policies.markets if live else policies.stepped, earliest - WINDOW)

    def facts(self, product_id: str) -> Facts:
        """What is known of a product."""
        return self._facts.get(product_id, Facts())

    def state(self, market: str, product_id: str) -> State:
        """A product's state in a market."""
        return self._states.get((market, product_id), State())

    def terms(self, market: str, product_id: str, at: int) -> Terms:
        """What a market says of a product at a moment."""
        categories = self.facts(product_id).categories
        _, money = self.facts(product_id).basis()
        terms = Terms(
            self._policies.of(market, product_id, categories, money.currency),
            self._decisions.get((market, product_id)),
            self._policies.stop_of(market, product_id, categories),
            assigned=self._assigned.get((market, product_id)),
        )
        if terms.rules is None or terms.rules.competitor is None:
            return terms
        known = self._rivals.get((market, product_id), ())
        return terms._replace(rival=terms.rules.competitor.counting(known, money.currency, at))

    def draft(
        self, market: str, product_id: str, wanted: Money, now: int, *, later: bool = False
    ) -> Draft | str:
        """What the rules make of a wanted price, or why it cannot be decided on; `later`: but for the daily
        step.
        """
        terms, state = self.terms(market, product_id, now), self.state(market, product_id)
        recent = self._recent.get((market, product_id), [])
        day_ago = None if later else measured_against(state, terms, recent, now, wanted.currency)
        return draft(wanted, state.price, self.facts(product_id), terms, day_ago)

    def item(
        self, market: str, product_id: str, now: int, response: Response | None, seen: tuple[int, int] | None
    ) -> Item | str:
        """A product for the optimiser, or why it cannot be one. `seen`: the range of its past prices."""
        facts, terms = self.facts(product_id), self.terms(market, product_id, now)
        if why := refused(facts, terms, response, self.state(market, product_id).price):
            return why
        assert response is not None
        return self.known(market, product_id, now, response, seen)

    def known(
        self, market: str, product_id: str, now: int, response: Response, seen: tuple[int, int] | None
    ) -> Item:
        """A product as the optimiser would see it, whether or not it may decide on its price."""
        facts, terms = self.facts(product_id), self.terms(market, product_id, now)
        state = self.state(market, product_id)
        recent = self._recent.get((market, product_id), [])
        usual = round(response.price * MICROS)
        low, high = seen or (usual, usual)
        return Item(
            product_id,
            state.price,
            tuple(
                (e.time, e.previous)
                for e in recent
                if e.previous is not None and e.currency == state.currency
            ),
            measured_against(state, terms, recent, now, state.currency),
            trusted(min(low, usual), max(high, usual)),
            facts,
            terms,
            response,
        )

    def decide(self, market: str, product_id: str, decision: Decision, now: int) -> None:
        """Lets a decided price count from now on."""
        self._decisions[market, product_id] = decision
        self._changed_decisions.add((market, product_id))
        self.reprice_in(market, product_id, now, now)

    def assign(self, market: str, product_id: str, assigned: Assigned | None, now: int) -> None:
        """Lets what an experiment says count from now on; None once it is over. The caller keeps it."""
        self._assigned.pop((market, product_id), None)
        if assigned:
            self._assigned[market, product_id] = assigned
        self.reprice_in(market, product_id, now, now)

    def learn(self, product_id: str, product: Product, at: int) -> None:
        """The catalogue's new word on a product."""
        facts = self.facts(product_id)
        if facts.product is None or facts.product.for_sale != product.for_sale:
            self._sales[product_id, at] = product.for_sale
        self._facts[product_id] = facts._replace(product=product)
        self._changed_products.add(product_id)
        self.reprice(product_id, at, at)

    def observe(self, product_id: str, seen: Observed, learnt: int) -> None:
        """A price seen in an order; of no effect unless it is the latest."""
        facts = self.facts(product_id)
        known = facts.observed
        if known and (seen.time, seen.sequence) < (known.time, known.sequence):
            return
        self._facts[product_id] = facts._replace(observed=seen)
        self._changed_observed.add(product_id)
        if not (known and known.money == seen.money):
            self.reprice(product_id, seen.time, learnt)

    def reprice(self, product_id: str, at: int, learnt: int) -> None:
        """Makes a product's price anew in every market, for a cause of one time learnt of at another."""
        for market in self._policies.markets:
            self.reprice_in(market, product_id, at, learnt)

    def reprice_in(self, market: str, product_id: str, at: int, learnt: int) -> None:
        """Makes a product's price anew in one market."""
        key, facts = (market, product_id), self.facts(product_id)
        state = self.state(*key)
        if facts.deleted:
            new, entry = replace(state, listed=False, due=None), None
        else:
            terms = self.terms(market, product_id, max(at, state.time))
            new, entry = reprice(state, facts, terms, at, self._recent_of(key, at, learnt))
        if entry:
            self._entries.append((market, product_id, entry))
            self._recent.setdefault(key, []).append(entry)
        if new != state:
            self._states[key] = new
            self._changed_states.add(key)

    def _recent_of(self, key: tuple[str, str], at: int, learnt: int) -> list[Entry] | None:
        matters = key[0] in self._policies.stepped or is_live(at, learnt)
        return self._recent.get(key, []) if matters else None

    def write(self, revision: int) -> list[Changed]:
        """Writes what changed; returns the new states."""
        put, connection = self._database.put, self._connection
        products = [(key, self._facts[key].product) for key in sorted(self._changed_products)]
        observed = [(key, self._facts[key].observed) for key in sorted(self._changed_observed)]
        put(
            connection,
            tables.products,
            [rows.product_row(key, product) for key, product in products if product],
        )
        put(connection, tables.observed, [rows.observed_row(key, seen) for key, seen in observed if seen])
        sales = [{"product_id": one, "time": at, "sale": sale} for (one, at), sale in self._sales.items()]
        put(connection, tables.availability, sales)
        decided = [(*key, self._decisions[key]) for key in sorted(self._changed_decisions)]
        put(connection, tables.decisions, [rows.decision_row(*decision) for decision in decided])
        ledger.append(self._database, connection, self._entries)
        changed = [(*key, self._states[key]) for key in sorted(self._changed_states)]
        put(connection, tables.prices, [rows.state_row(*state, revision) for state in changed])
        return changed

    def _read(self, ids: Collection[str], markets: Collection[str], since: int) -> None:
        products, observed, prices = tables.products, tables.observed, tables.prices
        among, execute = self._database.among, self._connection.execute
        seen = {
            row.product_id: rows.to_observed(row)
            for row in execute(select(observed).where(among(observed.c.product_id, ids)))
        }
        known = {
            row.product_id: rows.to_product(row)
            for row in execute(select(products).where(among(products.c.product_id, ids)))
        }
        self._facts = {key: Facts(known.get(key), seen.get(key)) for key in known.keys() | seen.keys()}
        for market in self._policies.markets:
            here = and_(prices.c.market == market, among(prices.c.product_id, ids))
            for row in execute(select(prices).where(here)):
                self._states[market, row.product_id] = rows.to_state(row)
        for market in markets:
            self._read_ledger(market, ids, since)
        decisions = tables.decisions
        for market in self._policies.deciding:
            here = and_(decisions.c.market == market, among(decisions.c.product_id, ids))
            for row in execute(select(decisions).where(here)):
                self._decisions[market, row.product_id] = rows.to_decision(row)
        arms = tables.arms
        for market in self._policies.deciding:
            here = and_(arms.c.market == market, among(arms.c.product_id, ids))
            for row in execute(select(arms).where(here)):
                self._assigned[market, row.product_id] = rows.to_assigned(row)
        rivals = tables.competitor_prices
        for market in self._policies.competing:
            here = and_(rivals.c.market == market, among(rivals.c.product_id, ids))
            for row in execute(select(rivals).where(here)):
                self._rivals.setdefault((market, row.product_id), []).append(rows.to_rival(row))

    def _read_ledger(self, market: str, ids: Collection[str], since: int) -> None:
        entries = tables.ledger.c
        here = and_(
            entries.market == market, self._database.among(entries.product_id, ids), entries.time > since
        )
        found = select(tables.ledger).where(here).order_by(entries.product_id, entries.number)
        for row in self._connection.execute(found):
            self._recent.setdefault((market, row.product_id), []).append(rows.to_entry(row))


def is_live(at: int, learnt: int) -> bool:
    """Whether a reduction from this time could still be announced when it is learnt of."""
    return at > learnt - CLAIM
