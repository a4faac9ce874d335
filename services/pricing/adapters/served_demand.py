"""The demand model that serves: what the current model folder says, swapped when another is promoted."""

from collections.abc import Mapping
from typing import Final

from services.kit.errors import ServiceError
from services.kit.models import Model
from services.pricing.adapters import demand_files
from services.pricing.domain.demand.response import Responses
from services.pricing.domain.demand.whatif import History
from services.pricing.domain.limits import DAY
from services.pricing.domain.ports import Known

TOLD: Final = 5
"""Substitutes that are told of a product."""


class ServedDemand:
    """Holds the responses of one model at a time; a reader keeps those that it began with."""

    def __init__(self) -> None:
        self._found: Responses | None = None
        self._model: Model | None = None
        self._paid: Mapping[str, tuple[float, float]] = {}

    def take(self, model: Model) -> None:
        """Loads a model. Raises OSError or ValueError for one that is not whole."""
        found, history = demand_files.load(model), demand_files.load_history(model)
        ends = (history.prices.min(axis=1), history.prices.max(axis=1)) if history else ((), ())
        ids = history.product_ids if history else ()
        self._paid = {one: (float(low), float(high)) for one, low, high in zip(ids, *ends, strict=True)}
        self._found, self._model = found, model

    def serve(self, found: Responses) -> None:
        """Answers from these from now on; without a folder there are no weeks."""
        self._found, self._model = found, None

    def responses(self) -> Responses:
        """What was learnt. Raises ServiceError MODEL_UNAVAILABLE before anything was."""
        if self._found is None:
            raise ServiceError("MODEL_UNAVAILABLE", "no demand was learnt: run aisle train pricing")
        return self._found

    def known(self, product_id: str) -> Known | None:
        """See ports.Demands."""
        found = self._found
        if found is None or product_id not in found:
            return None
        return Known(found.version, found[product_id], found.crossing.nearest(product_id, TOLD))

    def paid(self, product_id: str) -> tuple[float, float] | None:
        """The lowest and highest price of the weeks that demand was learnt from; None where none are kept."""
        return self._paid.get(product_id)

    def weeks(self, product_id: str) -> list[tuple[int, float, float]]:
        """When each week of a product began, its mean price and pieces; none where the model keeps none.
        Blocks.
        """
        history = demand_files.load_history(self._model) if self._model else None
        if history is None or product_id not in history.product_ids:
            return []
        row = list(history.product_ids).index(product_id)
        units, prices = history.units[row], history.prices[row]
        starts = [history.end - (len(units) - at) * 7 * DAY for at in range(len(units))]
        return [
            (start, float(price), float(sold))
            for start, price, sold in zip(starts, prices, units, strict=True)
        ]

    def history(self) -> tuple[Responses, History]:
        """What was learnt, and from which weeks. Blocks. Raises ServiceError MODEL_UNAVAILABLE."""
        responses, model = self.responses(), self._model
        history = demand_files.load_history(model) if model else None
        if history is None:
            raise ServiceError("MODEL_UNAVAILABLE", "the model keeps no weeks: run aisle train pricing again")
        return responses, history
