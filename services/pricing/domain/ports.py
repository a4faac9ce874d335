"""What the domain needs of the outside: a store that keeps products, prices, policies and the ledger."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from services.pricing.domain.account import Entry, State
from services.pricing.domain.pipeline import Move
from services.pricing.domain.policy import Policy


class Story(NamedTuple):
    """How a price came to be: the state, the rules asked in order, and the policy and cost they went by."""

    state: State
    moves: Sequence[Move]
    policy: Policy | None
    cost: int | None


class Accounts(Protocol):
    """The account of each product. Its adapters pass one suite: tests/pricing/test_accounts.py."""

    async def story(self, market: str, product_id: str) -> Story:
        """How the price now came to be. Raises ProductNotFound, PriceNotFound."""
        ...

    async def history(self, market: str, product_id: str, before: int | None, limit: int) -> list[Entry]:
        """Ledger entries numbered below `before`, latest first. Raises ProductNotFound."""
        ...

    async def set_policy(self, policy: Policy) -> Policy:
        """Sets a policy and makes the prices it bounds anew, all or nothing; returns it with its update_time.

        The same policy again changes nothing. Raises MixedCurrencies, TooManyItems (markets).
        """
        ...
