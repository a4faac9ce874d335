"""The time left, inside and outside a deadline."""

from services.kit.deadline import deadline, remaining, within


def test_without_a_deadline_a_part_gets_its_cap():
    assert remaining() is None
    assert within(0.3, reserve=0.1) == 0.3


def test_a_part_gets_what_is_left_less_the_reserve():
    with deadline(10):
        assert within(1) == 1
        assert 0 < within(60, reserve=2) <= 8
        assert within(60, reserve=20) == 0


def test_an_inner_deadline_only_shortens():
    with deadline(10):
        with deadline(60):
            assert remaining() <= 10
        with deadline(None):
            assert remaining() <= 10
        with deadline(1):
            assert remaining() <= 1
        assert remaining() > 1
    assert remaining() is None


def test_a_passed_deadline_leaves_nothing():
    with deadline(-1):
        assert remaining() == 0
