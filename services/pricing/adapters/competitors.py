"""Competitors' prices in SQL: the newest of each product and competitor, and our prices that follow them."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from services.kit.workers import Workers
from services.pricing.adapters import ledger, rows, tables
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.store import Store
from services.pricing.domain.audit import Act
from services.pricing.domain.competitor import Rival, check_time
from services.pricing.domain.errors import InvalidValue, MixedCurrencies, PricingError, ProductNotFound
from services.pricing.domain.policies import Policies
from services.pricing.domain.ports import Imported, Seen
from services.pricing.domain.product import Basis


class Watch:
    """Takes in competitors' prices over a store. Methods block: call them in a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take_in(self, market: str, seen: Sequence[Seen], actor: str) -> Imported:
        """See ports.Competitors."""
        store = self._store
        with store.change() as (connection, revision):
            now, policies = store.now(), store.policies(connection)
            if market not in policies.markets:
                raise InvalidValue("no prices are kept for this market", field="market")
            good, refused = self._checked(connection, seen, now)
            new = self._newest(connection, market, good)
            if new:
                added = [rows.rival_row(market, *one) for one in new]
                store.database.put(connection, tables.competitor_prices, added)
                details = {"prices": len(new), "competitors": sorted({rival.competitor for _, rival in new})}
                act = Act(now, actor, "import competitor prices", market, "competitor prices", details)
                ledger.record(connection, act)
            if new and market in policies.competing:
                ids = sorted({product_id for product_id, _ in new})
                batch = Batch(store.database, connection, policies, ids, earliest=now)
                for product_id in ids:
                    batch.reprice_in(market, product_id, now, now)
                batch.write(revision)
        store.refresh()
        return Imported(len(new), len(good) - len(new), refused)

    def _checked(
        self, connection: Connection, seen: Sequence[Seen], now: int
    ) -> tuple[list[Seen], list[tuple[Seen, PricingError]]]:
        ids = {one.product_id for one in seen}
        known = Batch(self._store.database, connection, Policies(), ids, earliest=0, live=False)
        good: list[Seen] = []
        refused: list[tuple[Seen, PricingError]] = []
        for one in seen:
            try:
                _check(one, known, now)
                good.append(one)
            except PricingError as error:
                refused.append((one, error))
        return good, refused

    def _newest(self, connection: Connection, market: str, seen: Sequence[Seen]) -> list[tuple[str, Rival]]:
        """What is newer than what is kept, one of each product and competitor."""
        table = tables.competitor_prices
        among = self._store.database.among(table.c.product_id, {one.product_id for one in seen})
        found = connection.execute(select(table).where(and_(table.c.market == market, among)))
        kept = {(row.product_id, row.competitor): rows.to_rival(row) for row in found}
        new: dict[tuple[str, str], Rival] = {}
        for one in seen:
            key = one.product_id, one.rival.competitor
            if key not in kept or one.rival.rank > kept[key].rank:
                kept[key] = new[key] = one.rival
        return [(product_id, rival) for (product_id, _), rival in new.items()]


def _check(one: Seen, known: Batch, now: int) -> None:
    facts = known.facts(one.product_id)
    basis, money = facts.basis()
    if not facts.listed:
        raise ProductNotFound("no product has this id", field="product_id")
    if basis is not Basis.NONE and money.currency != one.rival.currency:
        raise MixedCurrencies(f"the product is priced in {money.currency}", field="price.currency_code")
    check_time(one.rival.time, now)


class SqlCompetitors:
    """See ports.Competitors. Raises ServiceError OVERLOADED, too, when too many calls wait."""

    def __init__(self, store: Store, writers: Workers) -> None:
        self._watch, self._writers = Watch(store), writers

    async def take_in(self, market: str, seen: Sequence[Seen], actor: str) -> Imported:
        """See ports.Competitors."""
        return await self._writers.run(self._watch.take_in, market, seen, actor)
