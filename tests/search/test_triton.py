"""Search that embeds on the real Triton: what a shopper sees while it is away, hangs, or loses a process."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aisle.search.v1 import search_pb2, search_pb2_grpc
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

from services.kit.errors import ServiceError
from services.kit.memory_log import MemoryLog
from services.kit.models import Model, ModelStore
from services.kit.testing import serving, wait_until
from services.kit.triton.config import TritonConfig
from services.kit.triton.repository import root_of, version_of, versions_of
from services.search.adapters.onnx_encoder import DIMENSION, MODEL_FILE
from services.search.adapters.triton_encoder import TritonEncoder
from services.search.adapters.triton_texts import TritonTexts
from services.search.config import Config
from services.search.domain.ports import EncoderAway
from services.search.server import build
from services.search.triton.repository import NAME, prepare
from tests.search.shop import SHOP, product, upsert
from tests.triton import TritonProcess


@pytest.fixture
def well(triton: TritonProcess) -> Iterator[TritonProcess]:
    """The session's Triton, which runs again afterwards; its home without a view of earlier tests."""
    shutil.rmtree(triton.home / "search", ignore_errors=True)
    yield triton
    if not triton.lives():
        triton.restart()


@asynccontextmanager
async def shop(triton: TritonProcess, **settings: Any) -> AsyncIterator[tuple[Any, MemoryLog]]:
    """The service on a channel, and its log."""
    log = MemoryLog()
    await log.append([*map(upsert, SHOP)])
    config = Config(home=triton.home, embed="triton", triton=triton.url, ping_seconds=0.05, **settings)
    async with serving(build(config, log)) as channel:
        yield search_pb2_grpc.SearchServiceStub(channel), log


async def served_by(stub: Any, query: str) -> str:
    answer = await stub.Search(search_pb2.SearchRequest(query=query))
    assert answer.results[0].product_id == "milk-1"
    return str(answer.served_by)


async def test_words_answer_while_triton_is_away_and_meaning_comes_back(well: TritonProcess) -> None:
    async with shop(well) as (stub, log):
        queries = (f"{word} whole milk".strip() for word in ("", "the", "a", "and", "or", "with") * 1000)

        async def by(expected: str) -> bool:
            return await served_by(stub, next(queries)) == expected

        await wait_until(lambda: by("hybrid"))
        well.kill()
        assert await by("lexical"), "the first one too"
        await log.append([upsert(product("milk-9", "Almond Milk"))])
        assert await by("lexical")
        await asyncio.to_thread(well.restart)
        await wait_until(lambda: by("hybrid"), 20)
        milk = search_pb2.SearchRequest(query="a drink made from almonds", explain=True)

        async def embedded() -> bool:
            results = (await stub.Search(milk)).results
            return any(r.product_id == "milk-9" and r.dense_rank for r in results)

        await wait_until(embedded)


async def test_triton_may_come_later(well: TritonProcess) -> None:
    well.kill()
    async with shop(well) as (stub, _):
        assert await served_by(stub, "whole milk") == "lexical"
        await asyncio.to_thread(well.restart)
        await wait_until(lambda: hybrid(stub), 20)


async def hybrid(stub: Any) -> bool:
    return await served_by(stub, "whole milk") == "hybrid"


async def test_nobody_waits_long_for_a_triton_that_hangs(well: TritonProcess) -> None:
    async with shop(well, embed_seconds=0.2) as (stub, _):
        await wait_until(lambda: hybrid(stub))
        os.kill(well.pid, signal.SIGSTOP)
        try:
            hung = [await served_by(stub, f"{number} whole milk") for number in ("one", "two", "three")]
        finally:
            os.kill(well.pid, signal.SIGCONT)
        assert hung == ["lexical"] * 3
        asked = iter(range(10**6))
        await wait_until(lambda: afresh(stub, next(asked)), 20)


async def afresh(stub: Any, number: int) -> bool:
    return await served_by(stub, f"whole milk {'a ' * (number % 50)}") == "hybrid"


def test_a_process_that_dies_is_started_anew(well: TritonProcess, texts: TritonTexts, model: Model) -> None:
    encoder = TritonEncoder(model, texts)
    os.kill(well.workers(f"{NAME}/{version_of(model)}")[0], signal.SIGKILL)
    with pytest.raises(EncoderAway):
        encoder.encode([f"text {number}" for number in range(100)])
    if not well.lives():
        well.restart()
    asyncio.run(texts.ping())
    assert encoder.encode(["oat milk"]).shape == (1, DIMENSION)


def test_a_model_that_triton_refuses_leaves_the_one_that_serves(
    well: TritonProcess, texts: TritonTexts, model: Model, tmp_path: Path
) -> None:
    encoder = TritonEncoder(model, texts)
    store = ModelStore(tmp_path, "search")
    bad = store.create(lambda to: shutil.copytree(model.path, to, dirs_exist_ok=True), metrics={}, span={})
    (bad.path / MODEL_FILE).write_bytes(b"no model")
    with pytest.raises(ServiceError, match="refused"):
        TritonEncoder(bad, texts)
    assert encoder.encode(["oat milk"]).shape == (1, DIMENSION)
    assert versions_of(root_of(well.home) / NAME) == [version_of(model)]


def test_two_versions_answer_side_by_side(texts: TritonTexts, model: Model, triton: TritonProcess) -> None:
    store = ModelStore(triton.home, "search")
    old = TritonEncoder(model, texts)

    def files(to: Path) -> None:
        shutil.copytree(model.path, to, dirs_exist_ok=True)

    new = TritonEncoder(store.create(files, metrics={}, span={}, promote=False), texts)
    assert (old.encode(["oat milk"]) == new.encode(["oat milk"])).all()
    assert old.tag != new.tag
    shutil.rmtree(store.root / new.tag)


def test_a_triton_that_starts_has_the_model_where_search_asks_it(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model.path.parent, tmp_path / "models" / "search")
    folder = root_of(tmp_path) / NAME
    prepare(TritonConfig(home=tmp_path))  # type: ignore[call-arg]
    assert versions_of(folder) == []
    monkeypatch.setenv("AISLE_SEARCH_EMBED", "triton")
    prepare(TritonConfig(home=tmp_path))  # type: ignore[call-arg]
    assert versions_of(folder) == [version_of(model)]


def test_both_configurations_take_and_give_the_same(tmp_path: Path) -> None:
    prepare(TritonConfig(home=tmp_path, instances=3))  # type: ignore[call-arg]
    cpu, gpu = (
        text_format.Parse(
            (root_of(tmp_path) / NAME / "configs" / f"{name}.pbtxt").read_text(), pb.ModelConfig()
        )
        for name in ("cpu", "gpu")
    )
    assert (cpu.name, cpu.input, cpu.output) == (gpu.name, gpu.input, gpu.output)
    assert [*cpu.output[0].dims] == [DIMENSION]
    assert (cpu.backend, cpu.instance_group[0].count) == ("python", 3)
    assert (gpu.backend, gpu.default_model_filename) == ("onnxruntime", "exact.onnx")
    for one in (cpu, gpu):
        assert one.version_policy.latest.num_versions == 2
        assert one.dynamic_batching.default_queue_policy.max_queue_size > 0
