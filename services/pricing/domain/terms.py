"""What a market says of one product: the policy that applies, the price that was approved, a stop."""

from typing import NamedTuple

from services.pricing.domain.competitor import Rival
from services.pricing.domain.experiment.design import Arm
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


class Assigned(NamedTuple):
    """What an experiment's coin gave a product for now; `money` is the treatment's price, None in the control
    arm.
    """

    experiment: int
    arm: Arm
    money: Money | None
    propensity: float
    approver: str


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
    """All that a market adds to the facts of a product; `rival` is the competitor's price that counts now,
    `assigned` what the experiment says that it is in.
    """

    policy: Policy | None = None
    decision: Decision | None = None
    stop: Stop | None = None
    rival: Rival | None = None
    assigned: Assigned | None = None

    @property
    def rules(self) -> Policy | None:
        """The policy whose rules bind; None where the basis is the price as it is."""
        return None if self.stop or self.policy is None or self.policy.mode is Mode.LIST else self.policy

    @property
    def decides(self) -> bool:
        """Whether prices that were decided on count: the policy's mode lets them."""
        return self.rules is not None and self.rules.mode.decides

    def applied(self, currency: str) -> Decision | None:
        """The decision, where one counts and it is in the currency of the basis."""
        ours = self.decision is not None and self.decision.money.currency == currency
        return self.decision if self.decides and ours else None

    def tried(self, currency: str) -> Assigned | None:
        """What an experiment says, where decisions count and its price is in the currency of the basis."""
        known = self.assigned if self.decides else None
        return known if known and (known.money is None or known.money.currency == currency) else None

    def basis(self, facts: Facts) -> tuple[Basis, Money]:
        """What the price starts from: an experiment's treatment, the price that was decided, what the facts
        say.
        """
        basis, money = facts.basis()
        tried = self.tried(money.currency) if basis is not Basis.NONE else None
        if tried and tried.money:
            return Basis.APPROVED, tried.money
        decision = self.applied(money.currency) if basis is not Basis.NONE else None
        return (Basis.APPROVED, decision.money) if decision else (basis, money)
