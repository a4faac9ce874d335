"""EASE: the closed form, what pruning keeps, and the memory that it may take."""

import numpy as np
import pytest

from services.recsys.domain.interactions import Interactions, interactions_of, past_of
from services.recsys.domain.models.ease import Ease


def shoppers() -> Interactions:
    draw = np.random.default_rng(5)
    return interactions_of(30, [past_of(draw.choice(29, draw.integers(2, 12), False)) for _ in range(80)])


def by_the_book(data: Interactions, regularisation: float, dropout: float, evenness: float) -> np.ndarray:
    """The same in float64, as the papers write it."""
    x = data.matrix().toarray().astype(np.float64)
    counts = x.sum(1)
    gram = x.T @ np.diag((counts / counts.mean()) ** -evenness) @ x
    inverse = np.linalg.inv(
        gram + regularisation * np.eye(data.items) + dropout / (1 - dropout) * np.diag(np.diag(gram))
    )
    links = -inverse / np.diag(inverse)
    np.fill_diagonal(links, 0)
    return links


@pytest.mark.parametrize(("dropout", "evenness"), [(0.0, 0.0), (0.5, 0.0), (0.3, 0.75)])
def test_links_are_those_of_the_closed_form(dropout: float, evenness: float):
    model = Ease(regularisation=3.0, dropout=dropout, evenness=evenness).fit(shoppers())
    expected = by_the_book(shoppers(), 3.0, dropout, evenness)
    assert model.links.toarray() == pytest.approx(expected, abs=1e-5)


def test_pruning_keeps_each_items_largest_links():
    whole = np.abs(Ease(regularisation=3.0).fit(shoppers()).links.toarray())
    pruned = np.abs(Ease(regularisation=3.0, strongest=4).fit(shoppers()).links.toarray())
    for all_links, kept in zip(whole, pruned, strict=True):
        assert sorted(kept[kept > 0]) == sorted(np.sort(all_links[all_links > 0])[-4:])


def test_nothing_leads_to_or_from_what_nobody_took():
    links = Ease(regularisation=3.0).fit(shoppers()).links.toarray()
    assert not links[29].any()
    assert not links[:, 29].any()


def test_only_the_items_taken_most_are_learnt_as_if_there_were_no_others():
    data = interactions_of(6, [past_of([5, 1, 3])] * 3 + [past_of([1, 3, 0])] * 2 + [past_of([2, 5])])
    part = Ease(regularisation=1.0, most=3).fit(data).links.toarray()
    of_three = interactions_of(3, [past_of([2, 0, 1])] * 3 + [past_of([0, 1])] * 2 + [past_of([2])])
    assert part[np.ix_([1, 3, 5], [1, 3, 5])] == pytest.approx(
        Ease(regularisation=1.0).fit(of_three).links.toarray()
    )
    assert not part[[0, 2, 4]].any()
    assert not part[:, [0, 2, 4]].any()


def test_later_items_of_a_past_count_more_when_the_past_fades():
    data = interactions_of(6, [past_of([0, 1]), past_of([2, 3])] * 20)
    model = Ease(regularisation=1.0, fade=0.5).fit(data)
    both, earlier, later = (model.score(model.state(past_of(past))) for past in ([0, 2], [0], [2]))
    assert both == pytest.approx(0.5 * earlier + later)
