"""What is kept beside a price: what it was made from, and what people did to it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Audit(NamedTuple):
    """The inputs of one price. Amounts are micros of its currency; None for what had no part in it.

    `base` is the amount that the rules began from, `day_ago` what the daily step was measured against;
    `policy` names the policy that applied ("market", "category Food", "product milk"), `policy_time` says
    when it was set. `proposal` is the number of the applied proposal that the base comes from, the rest is
    of that: who approved it (of a stop: who stopped), the model, its elasticity with the standard error, and
    the chance with which the price was chosen. `rival` is the price of the `competitor` that was looked at,
    `arm` what the `experiment` says that the product was in.
    """

    base: int
    cost: int | None = None
    day_ago: int | None = None
    policy: str = ""
    policy_time: int | None = None
    proposal: int | None = None
    approver: str = ""
    model: str = ""
    elasticity: float | None = None
    elasticity_error: float | None = None
    propensity: float | None = None
    rival: int | None = None
    competitor: str = ""
    experiment: int | None = None
    arm: str = ""

    def dump(self) -> str:
        """As JSON, without what had no part."""
        return _encode({name: value for name, value in self._asdict().items() if value not in (None, "")})

    @classmethod
    def load(cls, text: str) -> "Audit | None":
        """From JSON; None for "", of prices from before audits were kept."""
        return cls(**json.loads(text)) if text else None


class Act(NamedTuple):
    """What somebody did to prices: who, when, what ("approve"), to what ("proposal 7"), and how."""

    time: int
    actor: str
    act: str
    market: str
    subject: str
    details: Mapping[str, Any]
