"""The ports Accounts and Proposals over SQL: queries run in small pools of threads, never on the loop."""

from sqlalchemy import select

from services.kit.workers import Workers
from services.pricing.adapters import rows, tables
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.desk import Desk
from services.pricing.adapters.governing import Governor
from services.pricing.adapters.store import Store
from services.pricing.domain.account import Entry, trace
from services.pricing.domain.errors import PriceNotFound, ProductNotFound
from services.pricing.domain.policies import Key
from services.pricing.domain.policy import Policy
from services.pricing.domain.ports import Answer, Ask, Story
from services.pricing.domain.product import Basis
from services.pricing.domain.proposal import Proposal, Status
from services.pricing.domain.terms import Stop


class SqlAccounts:
    """See ports.Accounts. Raises ServiceError OVERLOADED, too, when too many queries wait."""

    def __init__(self, store: Store, readers: Workers, writers: Workers) -> None:
        self._store, self._readers, self._writers = store, readers, writers
        self._governor = Governor(store)

    async def story(self, market: str, product_id: str) -> Story:
        """See ports.Accounts."""
        return await self._readers.run(self._story, market, product_id)

    async def history(self, market: str, product_id: str, before: int | None, limit: int) -> list[Entry]:
        """See ports.Accounts."""
        return await self._readers.run(self._history, market, product_id, before, limit)

    async def set_policy(self, policy: Policy, actor: str) -> Policy:
        """See ports.Accounts."""
        return await self._writers.run(self._governor.set_policy, policy, actor)

    async def stop(self, stop: Stop) -> Stop:
        """See ports.Accounts."""
        return await self._writers.run(self._governor.stop, stop)

    async def resume(self, key: Key, actor: str, reason: str) -> bool:
        """See ports.Accounts."""
        return await self._writers.run(self._governor.resume, key, actor, reason)

    def _story(self, market: str, product_id: str) -> Story:
        store = self._store
        with store.database.read() as connection:
            policies = store.policies(connection)
            batch = Batch(store.database, connection, policies, [product_id], earliest=0, live=False)
        facts = batch.facts(product_id)
        if not facts.listed:
            raise ProductNotFound("no product has this id", field="product_id")
        state = batch.state(market, product_id)
        # What is due is not made again yet: the story is of the price that stands.
        at = store.now() if state.due is None else min(store.now(), state.due - 1)
        terms = batch.terms(market, product_id, at)
        if facts.basis()[0] is Basis.NONE or state.basis is Basis.NONE:
            raise PriceNotFound(
                "the product has neither a list price nor an observed one", field="product_id"
            )
        return Story(state, trace(facts, terms, state.day_ago), terms, facts)

    def _history(self, market: str, product_id: str, before: int | None, limit: int) -> list[Entry]:
        ledger, store = tables.ledger, self._store
        found = select(ledger).where(ledger.c.market == market, ledger.c.product_id == product_id)
        if before is not None:
            found = found.where(ledger.c.number < before)
        with store.database.read() as connection:
            page = connection.execute(found.order_by(ledger.c.number.desc()).limit(limit)).all()
            if not page and before is None:
                policies = store.policies(connection)
                batch = Batch(store.database, connection, policies, [product_id], earliest=0, live=False)
                if not batch.facts(product_id).listed:
                    raise ProductNotFound("no product has this id", field="product_id")
        return [rows.to_entry(row) for row in page]


class SqlProposals:
    """See ports.Proposals. Raises ServiceError OVERLOADED, too, when too many calls wait."""

    def __init__(self, store: Store, readers: Workers, writers: Workers) -> None:
        self._desk, self._readers, self._writers = Desk(store), readers, writers

    async def propose(self, ask: Ask) -> Answer:
        """See ports.Proposals."""
        return await self._writers.run(self._desk.propose, ask)

    async def proposals(
        self, market: str, status: Status | None, before: int | None, limit: int
    ) -> list[Proposal]:
        """See ports.Proposals."""
        return await self._readers.run(self._desk.proposals, market, status, before, limit)

    async def approve(self, number: int, approver: str, note: str) -> Proposal:
        """See ports.Proposals."""
        return await self._writers.run(self._desk.approve, number, approver, note)

    async def reject(self, number: int, actor: str, note: str) -> Proposal:
        """See ports.Proposals."""
        return await self._writers.run(self._desk.reject, number, actor, note)
