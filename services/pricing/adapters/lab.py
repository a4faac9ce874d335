"""Experiments in SQL: asked for, approved, switched by the clock, stopped. Each change is one transaction."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from services.kit.log import EVENTS
from services.pricing.adapters import experiment_rows, ledger, tables
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.desk import AUTOMATIC
from services.pricing.adapters.enrolling import enrolled, in_pairs, stale
from services.pricing.adapters.governing import covered
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.adapters.store import Store
from services.pricing.domain.audit import Act
from services.pricing.domain.errors import (
    ExperimentNotFound,
    ExperimentOver,
    ExperimentStale,
    InvalidValue,
    TooManyItems,
)
from services.pricing.domain.experiment.asking import Shown, Sought, Started
from services.pricing.domain.experiment.design import PROPENSITY, Kind
from services.pricing.domain.experiment.experiment import Experiment, Status, Tried, enough
from services.pricing.domain.experiment.outcomes import Assignment
from services.pricing.domain.limits import MAX_QUOTED
from services.pricing.domain.policy import Mode


class Lab:
    """Experiments over a store. Methods block: call them in a thread."""

    def __init__(self, store: Store, demand: ServedDemand) -> None:
        self._store, self._demand = store, demand

    def start(self, sought: Sought) -> Started:
        """See asking.Experiments."""
        store = self._store
        with store.change() as (connection, revision):
            if known := self._asked_before(connection, sought):
                return Started(self._shown(connection, known), [])
            ids = self._ids(connection, sought)
            now = store.now()
            batch = self._batch(connection, ids, now)
            tried, left_out = enrolled(batch, sought, ids, self._busy(connection, sought.market), now)
            if sought.kind is Kind.PRODUCTS:
                tried, alone = in_pairs(batch, tried, self._demand.responses())
                left_out += alone
            enough(sought.kind, tried)
            number = (connection.execute(select(func.max(tables.experiments.c.number))).scalar() or 0) + 1
            made = Experiment(
                number,
                sought.market,
                sought.kind,
                sought.timing,
                zlib.crc32(sought.request_id.encode()) if sought.seed is None else sought.seed,
                tuple(tried),
                sought.proposer,
                sought.request_id,
                now,
            )
            connection.execute(insert(tables.experiments), experiment_rows.experiment_row(made))
            told = {
                "kind": made.kind.name.lower(),
                "seed": made.seed,
                "products": [list(one) for one in tried],
            }
            self._record(connection, made, made.proposer, "start experiment", told)
            if all(_mode(batch, made, one, now) is Mode.AUTOMATIC for one in tried):
                made = self._begin(connection, revision, batch, made, AUTOMATIC)
            shown = self._shown(connection, made)
        store.refresh()
        return Started(shown, left_out)

    def approve(self, number: int, approver: str) -> Shown:
        """See asking.Experiments."""
        store = self._store
        with store.change() as (connection, revision):
            known = self._known(connection, number)
            if known.status.over:
                raise ExperimentOver("the experiment is over", field="experiment_id")
            if known.status is Status.PENDING:
                batch = self._batch(connection, [one.product_id for one in known.products], store.now())
                if why := stale(batch, known, store.now()):
                    raise ExperimentStale(f"the experiment is stale: {why}", field="experiment_id")
                known = self._begin(connection, revision, batch, known, approver)
            shown = self._shown(connection, known)
        store.refresh()
        return shown

    def stop(self, number: int, actor: str, note: str) -> Shown:
        """See asking.Experiments."""
        store = self._store
        with store.change() as (connection, revision):
            known = self._known(connection, number)
            if not known.status.over:
                known = self._end(connection, revision, replace(known, note=note), Status.STOPPED, actor)
            shown = self._shown(connection, known)
        store.refresh()
        return shown

    def turn(self) -> None:
        """Sets the prices of blocks that have begun since, ends what is over: once, in whatever replica."""
        store = self._store
        with store.database.read() as connection:
            if not any(self._due(connection)):
                return
        with store.change() as (connection, revision):
            for known, block in self._due(connection):
                if block >= known.timing.blocks:
                    self._end(connection, revision, known, Status.ENDED, AUTOMATIC)
                else:
                    ids = [one.product_id for one in known.products]
                    self._switch(
                        connection, revision, self._batch(connection, ids, store.now()), known, block
                    )
        store.refresh()

    def shown(self, number: int) -> Shown:
        """An experiment. Raises ExperimentNotFound."""
        with self._store.database.read() as connection:
            return self._shown(connection, self._known(connection, number))

    def experiments(self, market: str, before: int | None, limit: int) -> list[Shown]:
        """See asking.Experiments."""
        table = tables.experiments
        found = select(table).where(table.c.market == market)
        if before is not None:
            found = found.where(table.c.number < before)
        with self._store.database.read() as connection:
            page = connection.execute(found.order_by(table.c.number.desc()).limit(limit)).all()
            return [self._shown(connection, experiment_rows.to_experiment(row)) for row in page]

    def _ids(self, connection: Connection, sought: Sought) -> list[str]:
        if sought.market not in self._store.policies(connection).markets:
            raise InvalidValue("no prices are kept for this market", field="market")
        ids = list(sought.prices) or list(sought.product_ids)
        if sought.category:
            ids = [
                one
                for chunk in covered(connection, (sought.market, "category", sought.category))
                for one in chunk
            ]
        if len(ids) > MAX_QUOTED:
            raise TooManyItems(f"at most {MAX_QUOTED} products", field="scope")
        return ids

    def _busy(self, connection: Connection, market: str) -> dict[str, int]:
        """The products of experiments that wait or run."""
        table = tables.experiments
        found = select(table).where(table.c.market == market, table.c.status <= Status.RUNNING.value)
        known = map(experiment_rows.to_experiment, connection.execute(found))
        return {one.product_id: experiment.number for experiment in known for one in experiment.products}

    def _begin(
        self, connection: Connection, revision: int, batch: Batch, known: Experiment, approver: str
    ) -> Experiment:
        began = replace(
            known,
            status=Status.RUNNING,
            approver=approver,
            began=self._store.now(),
            position=self._store.position_of(connection, EVENTS),
        )
        self._save(connection, began)
        self._record(connection, began, approver, "begin experiment", {})
        self._switch(connection, revision, batch, began, 0)
        return began

    def _switch(
        self, connection: Connection, revision: int, batch: Batch, known: Experiment, block: int
    ) -> None:
        """Sets the prices of a block: in a product-level experiment, of all products for all the time."""
        now, arms = self._store.now(), known.assignment()
        switches = known.kind is Kind.SWITCHBACK
        units = [block] if switches else range(len(known.products))
        given = [Assignment(unit, arms[unit], now) for unit in units]
        connection.execute(
            insert(tables.assignments), [experiment_rows.assignment_row(known, one) for one in given]
        )
        theirs = [arms[block]] * len(known.products) if switches else arms
        rows = []
        for tried, arm in zip(known.products, theirs, strict=True):
            said = experiment_rows.assigned(known, tried, arm)
            batch.assign(known.market, tried.product_id, said, now)
            rows.append(experiment_rows.arm_row(known, tried, said))
        self._store.database.put(connection, tables.arms, rows)
        batch.write(revision)
        told = {
            "arms": [one.arm.name.lower() for one in given],
            "propensity": PROPENSITY,
            "first_unit": units[0],
        }
        self._record(connection, known, AUTOMATIC, "assign", told)

    def _end(
        self, connection: Connection, revision: int, known: Experiment, status: Status, actor: str
    ) -> Experiment:
        now = self._store.now()
        ends = known.ends(known.timing.blocks - 1) if status is Status.ENDED else now
        done = replace(known, status=status, ended=min(ends, now))
        connection.execute(delete(tables.arms).where(tables.arms.c.experiment == known.number))
        batch = self._batch(connection, [one.product_id for one in known.products], now)
        for one in known.products:
            batch.reprice_in(known.market, one.product_id, now, now)
        batch.write(revision)
        self._save(connection, done)
        self._record(connection, done, actor, f"{status.name.lower()} experiment", {"note": done.note})
        return done

    def _due(self, connection: Connection) -> Iterator[tuple[Experiment, int]]:
        """Those that run, and the block that has begun without its prices, or the one after the last."""
        table, units = tables.experiments, tables.assignments.c
        now, found = self._store.now(), select(table).where(table.c.status == Status.RUNNING.value)
        for known in map(experiment_rows.to_experiment, connection.execute(found).all()):
            theirs = select(func.max(units.unit)).where(units.experiment == known.number)
            last, block = connection.execute(theirs).scalar() or 0, known.block_at(now)
            # a clock that went back changes nothing
            begins = known.kind is Kind.SWITCHBACK and block > last
            if begins or block >= known.timing.blocks:
                yield known, block

    def _asked_before(self, connection: Connection, sought: Sought) -> Experiment | None:
        table = tables.experiments
        same = (table.c.market == sought.market) & (table.c.request_id == sought.request_id)
        row = connection.execute(select(table).where(same)).first()
        return experiment_rows.to_experiment(row) if row else None

    def _known(self, connection: Connection, number: int) -> Experiment:
        table = tables.experiments
        row = connection.execute(select(table).where(table.c.number == number)).first()
        if row is None:
            raise ExperimentNotFound("no experiment has this id", field="experiment_id")
        return experiment_rows.to_experiment(row)

    def _shown(self, connection: Connection, known: Experiment) -> Shown:
        table = tables.assignments
        found = select(table).where(table.c.experiment == known.number).order_by(table.c.unit)
        return Shown(known, [experiment_rows.to_assignment(row) for row in connection.execute(found)])

    def _save(self, connection: Connection, known: Experiment) -> None:
        table = tables.experiments
        row = experiment_rows.experiment_row(known)
        connection.execute(update(table).where(table.c.number == known.number), row)

    def _record(
        self, connection: Connection, known: Experiment, actor: str, act: str, details: dict[str, Any]
    ) -> None:
        subject = f"experiment {known.number}"
        ledger.record(connection, Act(self._store.now(), actor, act, known.market, subject, details))

    def _batch(self, connection: Connection, ids: Sequence[str], now: int) -> Batch:
        policies = self._store.policies(connection)
        return Batch(self._store.database, connection, policies, ids, earliest=now)


def _mode(batch: Batch, known: Experiment, tried: Tried, now: int) -> Mode | None:
    rules = batch.terms(known.market, tried.product_id, now).rules
    return rules.mode if rules else None
