"""iALS: sweeps go down its objective, shoppers are folded in exactly, blocks change nothing."""

import numpy as np
import pytest

from services.recsys.domain.interactions import Interactions, interactions_of, past_of
from services.recsys.domain.models import ials
from services.recsys.domain.models.ials import Ials


def shoppers() -> Interactions:
    draw = np.random.default_rng(5)
    return interactions_of(30, [past_of(draw.choice(30, draw.integers(1, 15), False)) for _ in range(80)])


def folded_by_the_book(model: Ials, past: list[int]) -> np.ndarray:
    """Normal equations in float64: what is seen weighs 1, all pairs weigh model.weight, factors are held."""
    items = model.factors.astype(np.float64)
    near = items[past]
    held = model.regularisation * (len(past) + model.weight * len(items)) ** model.scaling
    system = model.weight * items.T @ items + near.T @ near + held * np.eye(items.shape[1])
    return np.linalg.solve(system, near.sum(0))


def loss(model: Ials, data: Interactions) -> float:
    """The objective, at the shoppers' best factors for the model's items."""
    taken = data.matrix().toarray()
    pasts = [data.past(shopper).items.tolist() for shopper in range(data.users)]
    people = np.array([folded_by_the_book(model, past) for past in pasts])
    fits = people @ model.factors.T
    seen = (((1 - fits) ** 2) * taken).sum() + model.weight * (fits**2).sum()
    for factors, counts, others in ((people, taken.sum(1), 30), (model.factors, taken.sum(0), 80)):
        held = model.regularisation * (counts + model.weight * others) ** model.scaling
        seen += (held * (factors**2).sum(1)).sum()
    return float(seen)


def test_a_past_is_folded_in_exactly():
    model = Ials(size=5).fit(shoppers())
    expected = folded_by_the_book(model, [3, 8, 21])
    assert model.state(past_of([21, 3, 8])).factors == pytest.approx(expected, abs=1e-4)


def test_each_sweep_brings_the_objective_down():
    losses = [loss(Ials(size=5, sweeps=sweeps).fit(shoppers()), shoppers()) for sweeps in (1, 2, 4, 16)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] * 0.99


def test_blocks_of_any_size_give_the_same_factors(monkeypatch: pytest.MonkeyPatch):
    whole = Ials(size=5).fit(shoppers()).factors
    monkeypatch.setattr(ials, "_CELLS", 20)
    assert Ials(size=5).fit(shoppers()).factors == pytest.approx(whole, abs=1e-4)


def test_twice_the_shoppers_of_the_same_kind_change_no_weight():
    data = shoppers()
    twice = interactions_of(30, [data.past(shopper % 80) for shopper in range(160)])
    assert Ials(size=5, sweeps=1).fit(twice).weight == Ials(size=5, sweeps=1).fit(data).weight
