"""The real Triton and its adapter, without the service: versions side by side, batches, queues, faults."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import tritonclient.grpc as client

from services.kit.testing import wait_until
from services.vision.adapters.triton import Triton
from services.vision.triton.repository import Repository
from tests.vision.conftest import TritonProcess
from tests.vision.pictures import NAMES, RED, encoded, picture, publish, published


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


async def test_a_model_is_swapped_under_load_without_a_failed_request_and_the_one_before_stays(
    tier: Triton, triton: TritonProcess
) -> None:
    before, seen, done = tier.model, [], asyncio.Event()

    async def ask(start: int) -> None:
        for shade in range(start, 10**6):  # each picture once, or Triton would answer from its cache
            if done.is_set():
                return
            seen.append((await tier.see(encoded(picture((250, shade // 250, shade % 250))))).model)

    asks = [asyncio.create_task(ask(10_000 * i)) for i in range(4)]
    await wait_until(lambda: len(seen) > 10)
    await asyncio.to_thread(tier.take, publish(triton.home, sharpness=5.0))
    answered = len(seen)
    await wait_until(lambda: len(seen) > answered + 20)
    done.set()
    await asyncio.gather(*asks)  # raises what any request raised
    assert list(dict.fromkeys(seen)) == [before, tier.model]
    assert seen[-1] == tier.model
    for model in (before, tier.model):
        answer = asked(triton, model, encoded(picture(RED)))
        assert model.endswith(f":{answer.get_response().model_version}")
        assert answer.as_numpy("PROBABILITIES").argmax() == NAMES.index("red")
