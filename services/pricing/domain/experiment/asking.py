"""What is asked for, what is told, and the port of experiments."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from services.pricing.domain.experiment.design import Kind
from services.pricing.domain.experiment.effect import Effect
from services.pricing.domain.experiment.experiment import Experiment, Timing
from services.pricing.domain.experiment.outcomes import Assignment
from services.pricing.domain.product import Money


class Sought(NamedTuple):
    """An experiment to start: of some products or a category, with a change (a share in millionths) of the
    price in force, or of products with a price each. `seed` None for the request's own.
    """

    market: str
    kind: Kind
    timing: Timing
    product_ids: Sequence[str]
    category: str
    change: int
    prices: Mapping[str, Money]
    seed: int | None
    proposer: str
    request_id: str


class Shown(NamedTuple):
    """An experiment and what chance gave its units so far."""

    experiment: Experiment
    assignments: Sequence[Assignment]


class Started(NamedTuple):
    """What came of it, and the products that are not in it, with the reason."""

    shown: Shown
    left_out: Sequence[tuple[str, str]]


class Figure(NamedTuple):
    """What control and treated units brought, and the effect; None where that cannot be told."""

    name: str
    control: float
    treatment: float
    effect: Effect | None


class Measured(NamedTuple):
    """Figures, how many pairs they come from and of how many, and the share of the counted time in which
    prices were those that chance gave; `reason` tells what is missing.
    """

    shown: Shown
    figures: Sequence[Figure]
    pairs: int
    planned: int
    kept: float
    always_valid: bool
    reason: str


class Experiments(Protocol):
    """Experiments with prices."""

    async def start(self, sought: Sought) -> Started:
        """Keeps an experiment, and begins it where no policy asks for a person; a repeated request changes
        nothing.

        Raises InvalidValue, TooManyItems, ServiceError MODEL_UNAVAILABLE (of products: the model pairs them).
        """
        ...

    async def approve(self, number: int, approver: str) -> Shown:
        """Begins it, once. Raises ExperimentNotFound, ExperimentOver, ExperimentStale."""
        ...

    async def stop(self, number: int, actor: str, note: str) -> Shown:
        """Ends it; one that is over stays. Raises ExperimentNotFound."""
        ...

    async def experiments(self, market: str, before: int | None, limit: int) -> list[Shown]:
        """Numbered below `before`, latest first."""
        ...

    async def measure(self, number: int) -> Measured:
        """What it changed, from the log. Raises ExperimentNotFound, ServiceError LOG_UNAVAILABLE."""
        ...
