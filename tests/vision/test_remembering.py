"""Pictures that come again are not seen again, by no model; what is kept has a bound."""

from pathlib import Path

import pytest

from services.vision.adapters.memory import LocalInference
from services.vision.adapters.remembering import Remembering
from services.vision.domain.image import ImageError
from services.vision.domain.seen import Seen
from tests.vision.pictures import BLUE, GREEN, RED, encoded, picture, publish

PICTURES = [encoded(picture(colour)) for colour in (RED, GREEN, BLUE)]


class Counting(LocalInference):
    """Counts what it is asked."""

    asked = 0

    async def see(self, picture: bytes, model: str = "") -> Seen:
        self.asked += 1
        return await super().see(picture, model)


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    one = Counting()
    one.take(publish(tmp_path).path, "colours:1")
    return one


async def test_a_picture_that_comes_again_is_not_seen_again(tmp_path: Path, counting: Counting) -> None:
    remembering = Remembering(counting, 10**6)
    first = await remembering.see(PICTURES[0])
    assert await remembering.see(PICTURES[0]) is first
    assert await remembering.see(PICTURES[0], "colours:1") is first
    assert counting.asked == 1
    counting.take(publish(tmp_path).path, "colours:2")
    assert (await remembering.see(PICTURES[0])).model == "colours:2"  # to the newest it is new
    assert await remembering.see(PICTURES[0], "colours:1") is first
    assert counting.asked == 2
    for _ in range(2):
        with pytest.raises(ImageError):
            await remembering.see(b"no picture")
    assert counting.asked == 4


async def test_what_was_not_asked_for_longest_makes_room(counting: Counting) -> None:
    red, green, blue = PICTURES
    remembering = Remembering(counting, 2500)  # two of them
    for one in (red, green, red, blue):
        await remembering.see(one)
    assert counting.asked == 3
    await remembering.see(red)
    assert counting.asked == 3
    await remembering.see(green)
    assert counting.asked == 4


async def test_without_room_nothing_is_kept(counting: Counting) -> None:
    remembering = Remembering(counting, 0)
    for _ in range(2):
        await remembering.see(PICTURES[0])
    assert counting.asked == 2
