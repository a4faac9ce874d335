"""What a price was made from: kept beside it in the ledger, and all that may ever go into a price."""

import json
from typing import NamedTuple

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Audit(NamedTuple):
    """The inputs of one price. Amounts are micros of its currency; None for what had no part in it.

    `base` is the amount that the rules began from, `day_ago` what the daily step was measured against;
    `policy` names the policy that applied ("market", "category Food", "product milk"), `policy_time` says
    when it was set.
    """

    base: int
    cost: int | None = None
    day_ago: int | None = None
    policy: str = ""
    policy_time: int | None = None

    def dump(self) -> str:
        """As JSON, without what had no part."""
        return _encode({name: value for name, value in self._asdict().items() if value not in (None, "")})

    @classmethod
    def load(cls, text: str) -> "Audit | None":
        """From JSON; None for "", of prices from before audits were kept."""
        return cls(**json.loads(text)) if text else None
