"""Prices to try on weeks that are over: changes, and policies whatever is in force."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.limits import MAX_PRICE, MICROS
from services.pricing.domain.pipeline import moves
from services.pricing.domain.policies import Policies
from services.pricing.domain.policy import SEPARATOR, Kind, Mode, is_below
from services.pricing.domain.product import Facts

USUAL_WEEKS: Final = 8
MOST_WEEKS: Final = 104
MOST_TRIED: Final = 100
LARGEST: Final = 10.0


class Change(NamedTuple):
    """A change of all prices of a scope, as a share of them."""

    kind: Kind
    scope: str
    share: float


class Trial(NamedTuple):
    """What to try in a market, over how many of the last weeks."""

    market: str
    changes: Sequence[Change]
    policies: Policies
    weeks: int


def change(kind: Kind, scope: str, share: float, field: str) -> Change:
    """A change. Raises InvalidValue for a share that leaves no price, or NaN."""
    if not -1 < share <= LARGEST:
        raise InvalidValue(f"share must be over -1, to {LARGEST:g}", field=f"{field}.share")
    return Change(kind, scope, share)


def tried(asked: float, product_id: str, facts: Facts, currency: str, trial: Trial) -> float:
    """The price that a trial makes of one that was asked, in units of the currency."""
    share = _share(product_id, facts.categories, trial.changes)
    policy = trial.policies.of(trial.market, product_id, facts.categories, currency)
    if policy is None:
        return asked * (1 + share)
    listed = policy.mode is Mode.LIST and facts.product and facts.product.price
    if listed and listed.currency == currency:
        return listed.micros / MICROS
    base = min(round(asked * (1 + share) * MICROS), MAX_PRICE)
    made = base if policy.mode is Mode.LIST else moves(base, facts.cost_in(currency), policy, None)[-1].after
    return asked * (1 + share) if made == base else made / MICROS


def _share(product_id: str, categories: Sequence[str], changes: Sequence[Change]) -> float:
    """The most special change: the product's own, the deepest category's, everyone's."""

    def depth(one: Change) -> int:
        return {"market": 0, "product": 1_000}.get(one.kind, 1 + one.scope.count(SEPARATOR))

    fitting = [one for one in changes if _covers(one, product_id, categories)]
    return max(fitting, key=depth).share if fitting else 0.0


def _covers(one: Change, product_id: str, categories: Sequence[str]) -> bool:
    if one.kind == "product":
        return one.scope == product_id
    return is_below(categories, one.scope)
