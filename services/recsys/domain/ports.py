"""What the domain needs from outside."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Past
from services.recsys.domain.shop import Shop
from services.recsys.domain.shown import Shown
from services.recsys.domain.taste import Taste
from services.recsys.domain.trained import Trained


class Knowledge(Protocol):
    """The shop as it is now, and what its shoppers did. Its adapters pass tests/recsys/test_knowledge.py."""

    def shop(self) -> AbstractContextManager[Shop]:
        """The shop, which does not change until the context ends: keep it short."""
        ...

    def taste(self, shopper_keys: Sequence[str]) -> Taste:
        """The taste under the first key that is known; empty when none is. Call it inside shop()."""
        ...

    def past(self, shopper_keys: Sequence[str], session_id: str = "", *, bought: bool = False) -> Past:
        """What was taken of late under the first key that is known, and in the visit; items are rows.

        Oldest first, each event a basket; clicks, looks and the cart count too unless `bought`. Call it
        inside shop().
        """
        ...

    def session(self, session_id: str) -> Past:
        """The same of one visit alone; empty for an unknown one. Call it inside shop()."""
        ...

    def hidden(self, shopper_keys: Sequence[str]) -> NDArray[np.int64]:
        """The rows that the shopper asked not to see, under any key, rising. Call it inside shop()."""
        ...

    def shown(self, shopper_keys: Sequence[str]) -> Shown:
        """How often the shopper saw which rows in lists, under the first known key. Call it inside shop()."""
        ...

    def use(self, trained: Trained, version: str) -> None:
        """Serves from these models from now on."""
        ...
