"""The demand model that serves: what the current model folder says, swapped when another is promoted."""

from services.kit.errors import ServiceError
from services.kit.models import Model
from services.pricing.adapters import demand_files
from services.pricing.domain.demand.response import Responses
from services.pricing.domain.demand.whatif import History


class ServedDemand:
    """Holds the responses of one model at a time; a reader keeps those that it began with."""

    def __init__(self) -> None:
        self._found: Responses | None = None
        self._model: Model | None = None

    def take(self, model: Model) -> None:
        """Loads a model. Raises OSError or ValueError for one that is not whole."""
        self._found, self._model = demand_files.load(model), model

    def serve(self, found: Responses) -> None:
        """Answers from these from now on; without a folder there are no weeks."""
        self._found, self._model = found, None

    def responses(self) -> Responses:
        """What was learnt. Raises ServiceError MODEL_UNAVAILABLE before anything was."""
        if self._found is None:
            raise ServiceError("MODEL_UNAVAILABLE", "no demand was learnt: run aisle train pricing")
        return self._found

    def history(self) -> tuple[Responses, History]:
        """What was learnt, and from which weeks. Blocks. Raises ServiceError MODEL_UNAVAILABLE."""
        responses, model = self.responses(), self._model
        history = demand_files.load_history(model) if model else None
        if history is None:
            raise ServiceError("MODEL_UNAVAILABLE", "the model keeps no weeks: run aisle train pricing again")
        return responses, history
