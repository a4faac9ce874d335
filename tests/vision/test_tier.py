"""The real Triton and its adapter, without the service: versions side by side, batches, queues, faults."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as client

from services.kit.errors import ServiceError
from services.kit.testing import wait_until
from services.vision.adapters.triton import Triton
from services.vision.domain.image import ImageError
from services.vision.domain.seen import Seen
from services.vision.triton.repository import Repository
from tests.triton import TritonProcess
from tests.vision.pictures import BLUE, NAMES, RED, encoded, noise, picture, publish, published
from tests.vision.test_image import REFUSED


@pytest.fixture
async def tier(triton: TritonProcess) -> AsyncIterator[Triton]:
    one = Triton(triton.url, Repository(triton.home), seconds=10, in_flight=2000)
    await asyncio.to_thread(one.take, published(triton.home))
    yield one
    await one.close()


def asked(triton: TritonProcess, model: str, image: bytes) -> client.InferResult:
    """What a version answers to whoever names it."""
    name, version = model.split(":")
    tensor = client.InferInput("IMAGE", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[image]], np.object_))
    with client.InferenceServerClient(triton.url) as one:
        return one.infer(name, [tensor], model_version=version)


def statistics(triton: TritonProcess, model: str) -> dict[str, Any]:
    """What Triton counted of a version."""
    with client.InferenceServerClient(triton.url) as one:
        return one.get_inference_statistics(*model.split(":"), as_json=True)["model_stats"][0]


def batches(triton: TritonProcess, model: str) -> list[int]:
    """The sizes of batches that a version was given."""
    return [int(batch["batch_size"]) for batch in statistics(triton, model)["batch_stats"]]


async def test_a_model_is_swapped_under_load_without_a_failed_request_and_the_one_before_stays(
    tier: Triton, triton: TritonProcess
) -> None:
    before, seen, done = tier.models[-1], [], asyncio.Event()

    async def ask(start: int) -> None:
        for shade in range(start, 10**6):  # each picture once, or Triton would answer from its cache
            if done.is_set():
                return
            seen.append((await tier.see(encoded(picture((250, shade // 250, shade % 250))))).model)

    asks = [asyncio.create_task(ask(10_000 * i)) for i in range(4)]
    await wait_until(lambda: len(seen) > 10)
    await asyncio.to_thread(tier.take, publish(triton.home, sharpness=30.0))
    answered = len(seen)
    await wait_until(lambda: len(seen) > answered + 20)
    done.set()
    await asyncio.gather(*asks)  # raises what any request raised
    assert list(dict.fromkeys(seen)) == [before, tier.models[-1]]
    assert (await tier.see(encoded(picture(BLUE)))).model == tier.models[-1]
    for model in (before, tier.models[-1]):
        answer = asked(triton, model, encoded(picture(RED)))
        assert model.endswith(f":{answer.get_response().model_version}")
        assert answer.as_numpy("PROBABILITIES").argmax() == NAMES.index("red")


async def test_a_version_that_is_kept_answers_however_many_newer_ones_come(
    tier: Triton, triton: TritonProcess
) -> None:
    kept = tier.models[-1]
    tier.keep(kept)
    for sharpness in (25.0, 26.0):
        await asyncio.to_thread(tier.take, publish(triton.home, sharpness=sharpness))
    assert len(tier.models) == 3
    seen = await asyncio.gather(*(tier.see(encoded(picture(RED)), model) for model in (kept, "", "gone:1")))
    assert [one.model for one in seen] == [kept, tier.models[-1], tier.models[-1]]


def test_two_versions_and_the_one_that_is_kept_stay_in_the_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    made = [repository.assemble(publish(tmp_path)) for _ in range(2)]
    repository.keep(made[0])
    made += [repository.assemble(publish(tmp_path)) for _ in range(2)]
    assert repository.versions() == [made[0], *made[2:]]
    repository.keep(made[3])
    made.append(repository.assemble(publish(tmp_path)))
    assert repository.versions() == made[3:]


async def asked_some(tier: Triton, shades: Iterator[int]) -> set[str]:
    """What becomes of eight pictures that never came before: "Seen", or the reasons why not."""
    pictures = [encoded(picture((next(shades), 250, 10))) for _ in range(8)]
    answers = await asyncio.gather(*map(tier.see, pictures), return_exceptions=True)
    return {getattr(answer, "reason", type(answer).__name__) for answer in answers}


async def test_a_process_of_a_model_that_dies_is_started_anew(tier: Triton, triton: TritonProcess) -> None:
    shades = iter(range(250))
    os.kill(triton.workers(tier.models[-1].replace(":", "/"))[0], signal.SIGKILL)
    assert "INFERENCE_UNAVAILABLE" in await asked_some(tier, shades)
    await tier.ping()
    assert await asked_some(tier, shades) == {"Seen"}


async def test_with_the_network_dead_pictures_are_seen_and_a_new_model_still_comes(
    tier: Triton, triton: TritonProcess
) -> None:
    shades, before = cycle(range(250)), tier.models[-1]
    os.kill(triton.workers(before.replace(":", "_network/"))[0], signal.SIGKILL)
    assert await asked_some(tier, shades) == {"Seen"}
    # Triton may end when it is to let go of a model whose process died; then it is started again.
    await asyncio.to_thread(tier.take, publish(triton.home, sharpness=31.0))

    async def well() -> bool:
        with contextlib.suppress(ServiceError):
            await tier.ping()
            return await asked_some(tier, shades) == {"Seen"} and tier.models[-1] != before
        return False

    await wait_until(well, timeout=60)


async def test_asked_by_bls_as_on_a_gpu_the_network_says_the_same(
    tier: Triton, triton: TritonProcess
) -> None:
    file = Repository(triton.home).root / "efficientnet_lite0" / "configs" / "cpu.pbtxt"
    here, pictures = file.read_text(), [encoded(picture((250, 100, shade))) for shade in range(4)]
    before = await asyncio.gather(*map(tier.see, pictures))
    file.write_text("".join(line for line in here.splitlines(True) if "network_here" not in line))
    try:
        await asyncio.to_thread(tier.take, publish(triton.home))
        mixed = [*pictures, REFUSED["gif"][0]]
        *after, refused = await asyncio.gather(*map(tier.see, mixed), return_exceptions=True)
        assert isinstance(refused, ImageError)
        for one, other in zip(before, after, strict=True):
            assert isinstance(other, Seen)
            assert one.model != other.model
            assert (one.embedding == other.embedding).all()
        assert sum(batches(triton, tier.models[-1].replace(":", "_network:"))) > 0
    finally:
        file.write_text(here)


async def test_pictures_that_cannot_be_read_take_no_other_of_their_batch_with_them(
    tier: Triton, triton: TritonProcess
) -> None:
    bad = {name: REFUSED[name] for name in ("truncated jpeg", "truncated png", "gif", "bomb", "text")}
    mixed = [encoded(picture((250, 90, shade))) for shade in range(20)]
    for place, (image, _) in enumerate(bad.values()):
        mixed.insert(5 * place, image)
    answers = await asyncio.gather(*map(tier.see, mixed), return_exceptions=True)
    told = [answer.reason if isinstance(answer, ImageError) else answer.top(1)[0].name for answer in answers]
    assert [told[5 * place] for place in range(len(bad))] == [reason for _, reason in bad.values()]
    assert Counter(told)["red"] == 20
    assert max(batches(triton, tier.models[-1])) > 1


async def test_more_requests_than_the_queue_holds_are_refused(tier: Triton, triton: TritonProcess) -> None:
    image = encoded(noise((300, 300)))
    pictures = (image + bytes([n % 250, n // 250]) for n in range(1000))  # what follows a JPEG is not read
    many = [Triton(triton.url, Repository(triton.home), seconds=30) for _ in range(40)]  # many services
    asks = [many[n % 40].see(one) for n, one in enumerate(pictures)]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    for one in many:
        await one.close()
    told = {
        answer.reason if isinstance(answer, ServiceError) else type(answer).__name__ for answer in answers
    }
    assert told == {"Seen", "OVERLOADED"}
