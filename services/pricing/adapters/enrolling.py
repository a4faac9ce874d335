"""Which products an experiment can try a price of, at which price, and which are alike."""

from collections.abc import Mapping, Sequence

from services.pricing.adapters.batch import Batch
from services.pricing.domain.demand.response import Response
from services.pricing.domain.experiment.asking import Sought
from services.pricing.domain.experiment.design import Subject, matched
from services.pricing.domain.experiment.experiment import Experiment, Tried
from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.grain import rounded
from services.pricing.domain.product import Money
from services.pricing.domain.words import amount

LeftOut = list[tuple[str, str]]
"""Products and, in words, why they are not in."""


def enrolled(
    batch: Batch, sought: Sought, ids: Sequence[str], busy: Mapping[str, int], now: int
) -> tuple[list[Tried], LeftOut]:
    """The products whose treatment the rules allow, with what they make of it. `busy`: those of other
    experiments.
    """
    found, left_out = list[Tried](), LeftOut()
    for product_id in ids:
        wish = _wish(batch, sought, product_id)
        drafted = batch.draft(sought.market, product_id, wish, now) if wish else "it has no price"
        if product_id in busy:
            drafted = f"experiment {busy[product_id]} is about it"
        if isinstance(drafted, str):
            left_out.append((product_id, drafted))
        elif drafted.money.micros == drafted.inputs.price:
            left_out.append((product_id, "the rules leave the price as it is"))
        else:
            money, inputs = drafted.money, drafted.inputs
            found.append(Tried(product_id, money.currency, inputs.price, money.micros, inputs.cost))
    return found, left_out


def in_pairs(
    batch: Batch, found: Sequence[Tried], responses: Mapping[str, Response]
) -> tuple[list[Tried], LeftOut]:
    """The products that the model knows, pair by pair, with what they are expected to sell."""
    known, subjects, left_out = dict[str, Tried](), list[Subject](), LeftOut()
    for one in found:
        response = responses.get(one.product_id)
        if response is None or response.currency != one.currency:
            left_out.append((one.product_id, "the model does not know its demand"))
            continue
        price = one.control / MICROS
        units = response.units(price)
        known[one.product_id] = one._replace(units=units, revenue=units * price)
        categories = batch.facts(one.product_id).categories
        subjects.append(Subject(one.product_id, categories[0] if categories else "", units, units * price))
    chosen = [known[one.product_id] for pair in matched(subjects) for one in pair]
    alone = known.keys() - {one.product_id for one in chosen}
    return chosen, left_out + [(one, "there is no other product to pair it with") for one in sorted(alone)]


def stale(batch: Batch, known: Experiment, now: int) -> str:
    """Why the experiment's prices are no more what they were asked for, in words; "" when they are."""
    for one in known.products:
        drafted = batch.draft(known.market, one.product_id, Money(one.currency, one.treatment), now)
        if isinstance(drafted, str):
            return f"{one.product_id}: {drafted}"
        if drafted.inputs.price != one.control:
            return (
                f"the price of {one.product_id} was {amount(one.control)}, is {amount(drafted.inputs.price)}"
            )
        if drafted.money.micros != one.treatment:
            return f"the rules now make {amount(drafted.money.micros)} of the treatment of {one.product_id}"
    return ""


def _wish(batch: Batch, sought: Sought, product_id: str) -> Money | None:
    """The treatment's price before the rules; None for a product without a price."""
    if sought.prices:
        return sought.prices[product_id]
    state = batch.state(sought.market, product_id)
    if not state.price:
        return None
    return Money(state.currency, rounded(state.price * (MICROS + sought.change) / MICROS, state.currency))
