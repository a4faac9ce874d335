"""What a model's probabilities say: labels, the groups that they are in, and what is unknown."""

import numpy as np
import pytest

from services.vision.domain.seen import Classes, Seen

CLASSES = Classes(
    ("gala", "jonagold", "lemon", "milk"),
    products={"lemon": ("l1", "l2")},
    unknown_below=0.35,
    groups={"gala": "apple", "jonagold": "apple", "lemon": "citrus"},
)


def seen(*probabilities: float) -> Seen:
    return Seen("m:1", CLASSES, np.array(probabilities, np.float32), np.ones(1, np.float32))


def test_a_group_may_be_sure_where_no_class_of_it_is() -> None:
    one = seen(0.3, 0.28, 0.32, 0.1)
    assert [(label.name, label.product_ids) for label in one.top(2)] == [
        ("lemon", ("l1", "l2")),
        ("gala", ()),
    ]
    assert [label.name for label in one.kinds(5)] == ["apple", "citrus"]
    assert one.kinds(1)[0].confidence == pytest.approx(0.58)
    assert one.unknown


def test_a_model_without_groups_tells_none() -> None:
    plain = Seen("m:1", Classes(("a", "b")), np.array([0.6, 0.4], np.float32), np.ones(1, np.float32))
    assert plain.kinds(5) == []
    assert not plain.unknown
