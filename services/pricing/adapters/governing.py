"""Policies and stops in SQL: each is set in one transaction with all the prices that it changes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, union

from services.pricing.adapters import ledger, rows, tables
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.store import CHUNK, Store, raise_counter
from services.pricing.domain.audit import Act
from services.pricing.domain.errors import InvalidValue, MixedCurrencies, TooManyItems
from services.pricing.domain.limits import MAX_MARKETS
from services.pricing.domain.policies import Key, Policies
from services.pricing.domain.policy import Policy, is_below
from services.pricing.domain.terms import Stop


class Governor:
    """Sets policies and stops over a store. Methods block: call them in a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set_policy(self, policy: Policy, actor: str = "") -> Policy:
        """See ports.Accounts."""
        store = self._store
        with store.change() as (connection, revision):
            policies = store.policies(connection)
            known = policies.get(policy.key)
            if known and replace(known, update_time=policy.update_time) == policy:
                return known
            opens = policy.market not in policies.markets
            if opens and len(policies.markets) >= MAX_MARKETS:
                raise TooManyItems(f"at most {MAX_MARKETS} markets", field="policy.market")
            if policy.kind == "product":
                self._check_currency(connection, policy)
            policy = replace(policy, update_time=store.now())
            store.database.put(connection, tables.policies, [rows.policy_row(policy)])
            details = {
                name: value for name, value in asdict(policy).items() if value not in (None, "", 0, ())
            }
            self._record(connection, policy.key, actor, "set policy", details)
            ids = covered(connection, policy.key, everything=opens)
            self._reprice(connection, revision, policies.having(policy), policy.market, ids)
        store.refresh()
        return policy

    def stop(self, stop: Stop) -> Stop:
        """See ports.Accounts."""
        store = self._store
        with store.change() as (connection, revision):
            policies = self._open(connection, stop.market)
            if known := policies.stop_at(stop.key):
                return known
            stop = stop._replace(time=store.now())
            connection.execute(insert(tables.stops), stop._asdict())
            self._record(connection, stop.key, stop.actor, "stop", {"reason": stop.reason})
            ids = covered(connection, stop.key)
            self._reprice(connection, revision, policies.stopped(stop.key, stop), stop.market, ids)
        store.refresh()
        return stop

    def resume(self, key: Key, actor: str, reason: str) -> bool:
        """See ports.Accounts."""
        store, stops = self._store, tables.stops.c
        with store.change() as (connection, revision):
            policies = self._open(connection, key[0])
            if policies.stop_at(key) is None:
                return False
            this = (stops.market == key[0]) & (stops.kind == key[1]) & (stops.scope == key[2])
            connection.execute(delete(tables.stops).where(this))
            self._record(connection, key, actor, "resume", {"reason": reason})
            ids = covered(connection, key)
            self._reprice(connection, revision, policies.stopped(key, None), key[0], ids)
        store.refresh()
        return True

    def _open(self, connection: Connection, market: str) -> Policies:
        policies = self._store.policies(connection)
        if market not in policies.markets:
            raise InvalidValue("no prices are kept for this market", field="market")
        return policies

    def _record(
        self, connection: Connection, key: Key, actor: str, act: str, details: Mapping[str, Any]
    ) -> None:
        raise_counter(connection, tables.POLICY_REVISION)
        market, kind, scope = key
        subject = f"{kind} {scope}".rstrip()
        ledger.record(connection, Act(self._store.now(), actor, act, market, subject, details))

    def _reprice(
        self,
        connection: Connection,
        revision: int,
        policies: Policies,
        market: str,
        covered: Iterable[list[str]],
    ) -> None:
        now = self._store.now()
        for ids in covered:
            batch = Batch(self._store.database, connection, policies, ids, earliest=now)
            for product_id in ids:
                batch.reprice_in(market, product_id, now, now)
            batch.write(revision)

    def _check_currency(self, connection: Connection, policy: Policy) -> None:
        ids = [policy.scope]
        batch = Batch(self._store.database, connection, Policies(), ids, earliest=0, live=False)
        _, money = batch.facts(policy.scope).basis()
        if money.currency and not policy.fits(money.currency):
            message = f"the product is priced in {money.currency}, the policy in {policy.currency}"
            raise MixedCurrencies(message, field="policy")


def covered(connection: Connection, key: Key, *, everything: bool = False) -> Iterator[list[str]]:
    """The products in a scope, in chunks; all for a market's first policy."""
    _, kind, scope = key
    if kind == "product" and not everything:
        yield [scope]
        return
    products, observed = tables.products, tables.observed
    known = union(select(products.c.product_id), select(observed.c.product_id)).subquery()
    chunk = (
        select(known.c.product_id, products.c.categories)
        .outerjoin(products, products.c.product_id == known.c.product_id)
        .order_by(known.c.product_id)
        .limit(CHUNK)
    )
    after, everyone = "", everything or kind == "market"
    while found := connection.execute(chunk.where(known.c.product_id > after)).all():
        after = found[-1].product_id
        if ids := [
            row.product_id for row in found if everyone or is_below(json.loads(row.categories or "[]"), scope)
        ]:
            yield ids
