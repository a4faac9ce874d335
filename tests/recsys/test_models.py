"""The contract that every model keeps, on a world whose right answers a reader sees by eye.

A new model adds its line to the registry and, unless it learns by random steps, to CANON; nothing else.
"""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from services.recsys.domain.interactions import Interactions, Past, interactions_of, past_of
from services.recsys.domain.models.itemrows import summed
from services.recsys.domain.models.model import Model
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.neighbours import BadModelError

ITEMS = 7
"""0 1 2 go together and 3 4 5 do, in this order; most shoppers took 3 and 4; nobody took 6."""

SETTINGS: dict[str, dict[str, float]] = {
    "ease": {"regularisation": 1.0},
    "slist": {"regularisation": 30.0},
    "ials": {"size": 4, "unobserved": 1.0},
    "sasrec": {"size": 8, "length": 5, "negatives": 8, "batch": 4, "least": 1, "epochs": 40, "patience": 40},
}
"""Settings that make a model fast, or able to learn, on so small a world."""

IMPERSONAL = {"popularity", "frequency"}
"""Models to which no item speaks for another."""

CANON = {
    "popularity": [0.4, 0.4, 0.4, 0.6, 0.6, 0.4, 0.0],
    "frequency": [1.3333, 1.3333, 0.3333, 0.5, 0.5, 0.3333, 0.0],
    "basket": [0.0, 0.3462, 3.1538, 0.0, 1.0, 2.0, 0.0],
    "ials": [0.6041, 0.6041, 0.6039, 0.0, 0.0, 0.0, 0.0],
    "slist": [0.0867, 0.1207, 0.2862, 0.0, 0.0, 0.0, 0.0],
    "ease": [0.3196, 0.3196, 0.6391, 0.0, 0.0, 0.0, 0.0],
    "session": [5.9254, 16.1008, 14.8135, 0.0, 0.0, 0.0, 0.0],
    "content": [0.0517, 0.0517, 0.0517, 0.0, 0.0, 0.0, 0.0],
    "cooccurrence": [0.6154, 0.6154, 1.2308, 0.0, 0.0, 0.0, 0.0],
}
"""The scores after [0, 1]: a change of a model shows here first."""

PASTS = [past_of([0, 1]), past_of([3]), past_of([4, 0, 4]), past_of([])]


def world() -> Interactions:
    return interactions_of(ITEMS, [past_of([0, 1, 2])] * 8 + [past_of([3, 4, 5])] * 8 + [past_of([3, 4])] * 4)


@pytest.fixture(scope="module", params=sorted(MODELS))
def model(request: pytest.FixtureRequest) -> Model:
    name = str(request.param)
    return MODELS[name](**SETTINGS.get(name, {})).fit(world())


def again(model: Model) -> Model:
    return MODELS[model.name](**SETTINGS.get(model.name, {})).fit(world())


def saved(model: Model) -> Model:
    file = io.BytesIO()
    np.savez(file, **dict(model.arrays()))
    file.seek(0)
    return type(model).of(dict(np.load(file)))


def scores(model: Model) -> list[list[float]]:
    return [model.score(model.state(past)).tolist() for past in PASTS]


def test_a_model_bears_its_name_in_the_registry(model: Model):
    assert type(model) is MODELS[model.name]


def test_scores_after_a_known_past_stay_as_they_are(model: Model):
    if model.name not in CANON:
        pytest.skip("learnt by random steps, whose last digits differ from processor to processor")
    assert model.score(model.state(past_of([0, 1]))) == pytest.approx(CANON[model.name], abs=2e-3)


def test_a_score_for_every_item_whatever_the_past(model: Model):
    for past in PASTS:
        found = model.score(model.state(past))
        assert found.shape == (ITEMS,)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


def test_what_goes_with_the_past_comes_before_what_others_took(model: Model):
    if model.name in IMPERSONAL:
        pytest.skip("looks at no past")
    unseen = np.array([False, False, True, True, True, True, True])
    items, _ = model.recommend(model.state(past_of([0, 1])), unseen, 1)
    assert items.tolist() == [2]


def test_an_empty_past_and_unknown_items_say_nothing(model: Model):
    if model.name in IMPERSONAL:
        pytest.skip("looks at no past")
    for past in (past_of([]), past_of([ITEMS, ITEMS + 90])):
        state = model.state(past)
        assert not model.score(state).any()
        assert model.explain(state, 2) == ()


def test_the_reasons_are_items_of_the_past(model: Model):
    for past in PASTS:
        state = model.state(past)
        for item in range(ITEMS):
            reasons = model.explain(state, item)
            assert set(reasons) <= set(past.items.tolist())
            assert len(set(reasons)) == len(reasons)
    if model.name not in IMPERSONAL:
        assert set(model.explain(model.state(past_of([0, 1, 3])), 2)) >= {1}


def test_only_allowed_items_come_back_best_first(model: Model):
    allowed = np.array([True, False, True, False, True, False, True])
    items, found = model.recommend(model.state(past_of([0, 1])), allowed, 3)
    assert set(items.tolist()) <= {0, 2, 4, 6}
    assert found.tolist() == sorted(found.tolist(), reverse=True)
    nothing, _ = model.recommend(model.state(past_of([0])), np.zeros(ITEMS, bool), 3)
    assert len(nothing) == 0


def test_the_same_data_give_the_same_model(model: Model):
    assert scores(again(model)) == scores(model)


def test_a_saved_model_answers_the_same(model: Model):
    back = saved(model)
    assert scores(back) == scores(model)
    for past in PASTS:
        assert back.explain(back.state(past), 2) == model.explain(model.state(past), 2)


def test_a_model_without_its_arrays_is_refused(model: Model):
    with pytest.raises(BadModelError):
        type(model).of({})


def test_threads_do_not_disturb_each_other(model: Model):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: scores(model), range(16)))
    assert answers == [scores(model)] * 16


def test_a_past_longer_than_any_other_costs_no_error(model: Model):
    numbers = np.tile(np.arange(ITEMS, dtype=np.int32), 300)
    order = np.arange(len(numbers))
    state = model.state(Past(numbers, (order // 7).astype(np.int32), order.astype(np.float64)))
    assert np.isfinite(model.score(state)).all()


def test_data_without_a_line_give_a_model_that_says_nothing(model: Model):
    empty = MODELS[model.name](**SETTINGS.get(model.name, {})).fit(interactions_of(ITEMS, []))
    assert not empty.score(empty.state(past_of([0]))).any()


def test_what_scores_above_nothing_is_found_with_its_score(model: Model):
    for past in PASTS:
        scores = model.score(model.state(past))
        items, found = model.above(model.state(past))
        assert items.tolist() == np.flatnonzero(scores > 0).tolist()
        assert found == pytest.approx(scores[scores > 0])


@pytest.mark.parametrize("count", [50, 50_000], ids=["a table of all", "few among many, sorted"])
def test_sums_by_number_are_the_same_by_either_way(count: int):
    numbers, worth = np.array([7, 3, 7, 49, 3, 7], np.int32), np.array([1, 2, 4, 8, 16, 32], np.float32)
    found, sums = summed(numbers, worth, count)
    assert (found.tolist(), sums.tolist()) == ([3, 7, 49], [18, 37, 8])
    assert [len(part) for part in summed(numbers[:0], worth[:0], count)] == [0, 0]
