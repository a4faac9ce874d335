"""A model's way through a protocol: chosen on validation, fitted on all before the test, measured on it."""

import resource
import sys
import time
from dataclasses import dataclass, field

from services.recsys.domain import comparison, tuning
from services.recsys.domain.choice import Choice
from services.recsys.domain.comparison import Difference, Measured
from services.recsys.domain.metrics import Estimate
from services.recsys.domain.models.model import Model, Progress, silent
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.protocols import BadDataError, Cases, Split

CASES = 200_000
"""At most so many test cases are asked, drawn by a seed: more would hardly narrow the intervals."""

_MIB = 1024 if sys.platform != "darwin" else 1024**2


@dataclass(frozen=True)
class Trial:
    """What was chosen and measured, and what it cost: CPU seconds of all threads, MiB of the process."""

    choice: Choice
    model: Model
    cases: Cases
    measured: Measured
    choosing: float
    fitting: float
    answering: float
    peak_mib: float = field(default_factory=lambda: peak_mib())

    def summary(self) -> dict[str, Estimate]:
        """Each metric's mean over the cases with its interval."""
        return comparison.summary(self.measured.by_case)


def peak_mib() -> float:
    """The most memory that this process ever held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB


def check(name: str | None) -> None:
    """Raises ValueError for a name that no model bears."""
    if name is not None and name not in MODELS:
        raise ValueError(f"no model {name!r}; there are: {', '.join(MODELS)}")


def run(protocol: str, split: Split, name: str | None = None, progress: Progress = silent) -> Trial:
    """The model `name`, or without one the protocol's own choice.

    Raises ValueError for an unknown name, BadDataError where there is no case.
    """
    check(name)
    if not len(split.test):
        raise BadDataError("there is nothing to foresee: every user's past is too short for this protocol")
    begun = time.process_time()
    choice = tuning.choose(protocol, split, (name,) if name else None, progress)
    return make(choice, split, time.process_time() - begun, progress)


def make(choice: Choice, split: Split, choosing: float = 0.0, progress: Progress = silent) -> Trial:
    """What was chosen, in so many CPU seconds, fitted on all before the test and measured on it."""
    cases = split.test.part(CASES)
    begun = time.process_time()
    model = choice.build().fit(split.full, progress)
    fitted = time.process_time()
    measured = comparison.measure(model, cases, split.full, progress=progress)
    answering = time.process_time() - fitted
    return Trial(choice, model, cases, measured, choosing, fitted - begun, answering)


def differences(first: Trial, second: Trial) -> dict[str, Difference]:
    """By how much the first is above the second on the same cases."""
    return comparison.paired(first.measured.by_case, second.measured.by_case)
