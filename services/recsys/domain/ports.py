"""What the domain needs from outside."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from services.recsys.domain.neighbours import Neighbours
from services.recsys.domain.shop import Shop
from services.recsys.domain.taste import Taste


class Knowledge(Protocol):
    """The shop as it is now, and its shoppers' tastes. Its adapters pass tests/recsys/test_knowledge.py."""

    def shop(self) -> AbstractContextManager[Shop]:
        """The shop, which does not change until the context ends: keep it short."""
        ...

    def taste(self, shopper_keys: Sequence[str]) -> Taste:
        """The taste under the first key that is known; empty when none is. Call it inside shop()."""
        ...

    def use(self, model: Neighbours, version: str) -> None:
        """Serves from a model from now on."""
        ...
