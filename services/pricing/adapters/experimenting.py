"""The port Experiments over SQL and the log: decisions in the writers' threads, effects from the log's
orders.
"""

from collections.abc import Sequence

from sqlalchemy import select

from services.kit.log import Log
from services.kit.workers import Workers
from services.pricing.adapters import rows, tables
from services.pricing.adapters.lab import Lab
from services.pricing.adapters.order_lines import order_lines
from services.pricing.adapters.store import Store
from services.pricing.domain.account import Entry
from services.pricing.domain.experiment.asking import Measured, Shown, Sought, Started
from services.pricing.domain.experiment.experiment import Experiment
from services.pricing.domain.experiment.measuring import early, measured
from services.pricing.domain.experiment.outcomes import Tally, Window, kept, windows


class SqlExperiments:
    """See asking.Experiments. Raises ServiceError OVERLOADED, too, when too many calls wait."""

    def __init__(self, lab: Lab, store: Store, log: Log, readers: Workers, writers: Workers) -> None:
        self._lab, self._store, self._log = lab, store, log
        self._readers, self._writers = readers, writers

    async def start(self, sought: Sought) -> Started:
        """See asking.Experiments."""
        return await self._writers.run(self._lab.start, sought)

    async def approve(self, number: int, approver: str) -> Shown:
        """See asking.Experiments."""
        return await self._writers.run(self._lab.approve, number, approver)

    async def stop(self, number: int, actor: str, note: str) -> Shown:
        """See asking.Experiments."""
        return await self._writers.run(self._lab.stop, number, actor, note)

    async def experiments(self, market: str, before: int | None, limit: int) -> list[Shown]:
        """See asking.Experiments."""
        return await self._readers.run(self._lab.experiments, market, before, limit)

    async def measure(self, number: int) -> Measured:
        """See asking.Experiments."""
        shown = await self._readers.run(self._lab.shown, number)
        if why := early(shown):
            return Measured(shown, [], 0, len(shown.experiment.pairs), 0.0, False, why)
        counted = windows(shown.experiment, shown.assignments, self._store.now())
        tally = Tally(shown.experiment, counted)
        async for line in order_lines(self._log, shown.experiment.position):
            tally.add(*line)
        share = await self._readers.run(self._kept, shown.experiment, counted)
        return await self._readers.run(measured, shown, tally, share)

    def _kept(self, experiment: Experiment, counted: Sequence[Window]) -> float:
        """The share of the counted time in which prices were those that chance gave."""
        ids, ledger = [one.product_id for one in experiment.products], tables.ledger
        here = (ledger.c.market == experiment.market) & self._store.database.among(ledger.c.product_id, ids)
        found = select(ledger).where(here, ledger.c.time >= (experiment.began or 0))
        past: dict[str, list[Entry]] = {}
        with self._store.database.read() as connection:
            for row in connection.execute(found.order_by(ledger.c.product_id, ledger.c.number)):
                past.setdefault(row.product_id, []).append(rows.to_entry(row))
        return kept(
            experiment, counted, {one: [(e.time, e.price) for e in told] for one, told in past.items()}
        )
