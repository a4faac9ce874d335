"""What a market says of one product: the policy that applies, the price that was approved, a stop."""

from typing import NamedTuple

from services.pricing.domain.competitor import Rival
from services.pricing.domain.policy import Kind, Mode, Policy
from services.pricing.domain.product import Basis, Facts, Money


class Decision(NamedTuple):
    """A proposed price that was applied, and what it stood on; `proposal` is its number."""

    proposal: int
    money: Money
    approver: str
    model: str = ""
    elasticity: float | None = None
    elasticity_error: float | None = None
    propensity: float | None = None


class Stop(NamedTuple):
    """The kill switch of a market, category or product: while it stands, the basis is the price."""

    market: str
    kind: Kind
    scope: str
    actor: str
    reason: str
    time: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is lifted by."""
        return self.market, self.kind, self.scope


class Terms(NamedTuple):
    """All that a market adds to the facts of a product; `rival` is the competitor's price that counts now."""

    policy: Policy | None = None
    decision: Decision | None = None
    stop: Stop | None = None
    rival: Rival | None = None

    @property
    def rules(self) -> Policy | None:
        """The policy whose rules bind; None where the basis is the price as it is."""
        return None if self.stop or self.policy is None or self.policy.mode is Mode.LIST else self.policy

    def applied(self, currency: str) -> Decision | None:
        """The decision, where the policy's mode lets one count and it is in the currency of the basis."""
        decides = self.rules is not None and self.rules.mode.decides
        ours = self.decision is not None and self.decision.money.currency == currency
        return self.decision if decides and ours else None

    def basis(self, facts: Facts) -> tuple[Basis, Money]:
        """What the price starts from: the price that was decided, else what the facts say."""
        basis, money = facts.basis()
        decision = self.applied(money.currency) if basis is not Basis.NONE else None
        return (Basis.APPROVED, decision.money) if decision else (basis, money)
