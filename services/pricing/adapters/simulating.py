"""Replays the weeks that demand was learnt from, at the prices of a trial."""

from collections.abc import Iterator

import numpy as np

from services.kit.workers import Workers
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.adapters.store import CHUNK, Store
from services.pricing.domain.demand.response import Responses
from services.pricing.domain.demand.whatif import History, Replayed, replay
from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.ports import Simulated
from services.pricing.domain.trial import Trial, tried


class Simulator:
    """Replays trials over a store. Methods block: call them in a thread."""

    def __init__(self, store: Store, demand: ServedDemand) -> None:
        self._store, self._demand = store, demand

    def simulate(self, trial: Trial) -> Simulated:
        """See ports.Simulator."""
        responses, history = self._demand.history()
        weeks = min(trial.weeks, history.units.shape[1])
        total, categories = replay(self._replayed(trial, responses, history, weeks))
        currency = next((one.currency for one in responses.values()), "")
        start = history.end - weeks * 7 * DAY
        return Simulated(responses.version, weeks, start, history.end, currency, total, categories)

    def _replayed(
        self, trial: Trial, responses: Responses, history: History, weeks: int
    ) -> Iterator[Replayed]:
        """The products that sold in those weeks."""
        sold = np.flatnonzero(history.units[:, -weeks:].sum(axis=1) > 0)
        now = self._store.now()
        with self._store.database.read() as connection:
            policies = self._store.policies(connection)
            if trial.market not in policies.markets:
                raise InvalidValue("no prices are kept for this market", field="market")
            for start in range(0, len(sold), CHUNK):
                rows = sold[start : start + CHUNK]
                ids = [history.product_ids[row] for row in rows]
                batch = Batch(self._store.database, connection, policies, ids, earliest=now)
                for row, product_id in zip(rows, ids, strict=True):
                    if response := responses.get(product_id):
                        facts = batch.facts(product_id)
                        asked, units = history.prices[row, -weeks:], history.units[row, -weeks:]
                        made = [tried(price, product_id, facts, response.currency, trial) for price in asked]
                        cost = facts.cost_in(response.currency)
                        yield Replayed(
                            response,
                            facts.categories[0] if facts.categories else response.category,
                            units,
                            asked,
                            np.array(made),
                            (float(history.prices[row].min()), float(history.prices[row].max())),
                            None if cost is None else cost / MICROS,
                        )


class SqlSimulator:
    """See ports.Simulator. Raises ServiceError OVERLOADED, too, when too many calls wait."""

    def __init__(self, simulator: Simulator, workers: Workers) -> None:
        self._simulator, self._workers = simulator, workers

    async def simulate(self, trial: Trial) -> Simulated:
        """See ports.Simulator."""
        return await self._workers.run(self._simulator.simulate, trial)
