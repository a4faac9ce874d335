"""The port Accounts over the SQL store: the queries run in a small pool of threads, never on the loop."""

from sqlalchemy import select

from services.kit.workers import Workers
from services.pricing.adapters import rows, tables
from services.pricing.adapters.store import Store, read_facts
from services.pricing.domain.account import Entry
from services.pricing.domain.errors import PriceNotFound, ProductNotFound
from services.pricing.domain.pipeline import moves
from services.pricing.domain.policy import Policy
from services.pricing.domain.ports import Story
from services.pricing.domain.product import Basis


class SqlAccounts:
    """See ports.Accounts. Raises ServiceError OVERLOADED, too, when too many queries wait."""

    def __init__(self, store: Store, readers: Workers, writers: Workers) -> None:
        self._store, self._readers, self._writers = store, readers, writers

    async def story(self, market: str, product_id: str) -> Story:
        """See ports.Accounts."""
        return await self._readers.run(self._story, market, product_id)

    async def history(self, market: str, product_id: str, before: int | None, limit: int) -> list[Entry]:
        """See ports.Accounts."""
        return await self._readers.run(self._history, market, product_id, before, limit)

    async def set_policy(self, policy: Policy) -> Policy:
        """See ports.Accounts."""
        return await self._writers.run(self._store.set_policy, policy)

    def _story(self, market: str, product_id: str) -> Story:
        prices = tables.prices
        own = (prices.c.market == market) & (prices.c.product_id == product_id)
        with self._store.database.read() as connection:
            facts = read_facts(connection, product_id)
            found = connection.execute(select(prices).where(own)).first()
            policies = self._store.policies(connection)
        if not facts.listed:
            raise ProductNotFound("no product has this id", field="product_id")
        basis, money = facts.basis()
        if basis is Basis.NONE or found is None:
            raise PriceNotFound(
                "the product has neither a list price nor an observed one", field="product_id"
            )
        state, cost = rows.to_state(found), facts.cost_in(money.currency)
        policy = policies.of(market, product_id, facts.categories, money.currency)
        return Story(state, moves(money.micros, cost, policy, state.day_ago), policy, cost)

    def _history(self, market: str, product_id: str, before: int | None, limit: int) -> list[Entry]:
        ledger = tables.ledger
        found = select(ledger).where(ledger.c.market == market, ledger.c.product_id == product_id)
        if before is not None:
            found = found.where(ledger.c.number < before)
        with self._store.database.read() as connection:
            page = connection.execute(found.order_by(ledger.c.number.desc()).limit(limit)).all()
            if not page and before is None and not read_facts(connection, product_id).listed:
                raise ProductNotFound("no product has this id", field="product_id")
        return [rows.to_entry(row) for row in page]
