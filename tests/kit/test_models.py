"""Models are whole or not there; the watcher swaps to a new one and keeps the old before a broken one."""

from pathlib import Path

import pytest

from services.kit.models import Model, ModelStore, ModelWatcher
from services.kit.testing import wait_until


def create(store: ModelStore, text: str, **options: bool) -> Model:
    def files(folder: Path) -> None:
        (folder / "weights.txt").write_text(text)

    return store.create(
        files, metrics={"ndcg@10": {"value": 0.5, "low": None, "high": None}}, span={}, **options
    )


def test_the_current_model_is_the_promoted_one(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, "recsys")
    assert store.current() is None
    first = create(store, "first")
    create(store, "second", promote=False)
    assert store.current() == first
    assert first.metrics["ndcg@10"]["value"] == 0.5


def test_a_folder_that_fails_to_fill_leaves_nothing(tmp_path: Path) -> None:
    def files(folder: Path) -> None:
        (folder / "weights.txt").write_text("half")
        raise OSError("no space")

    store = ModelStore(tmp_path, "recsys")
    with pytest.raises(OSError, match="no space"):
        store.create(files, metrics={}, span={})
    assert list(store.root.iterdir()) == []


def test_a_model_cut_in_half_gives_way_to_the_newest_whole_one(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, "recsys")
    first = create(store, "first")
    second = create(store, "second")
    (second.path / "weights.txt").write_text("sec")
    assert store.current() == first
    with pytest.raises(ValueError, match="damaged"):
        store.promote(second.version)


async def test_the_watcher_swaps_and_refuses(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, "recsys")
    loaded: list[str] = []

    def load(model: Model) -> None:
        text = (model.path / "weights.txt").read_text()
        if text == "broken":
            raise ValueError("cannot load")
        loaded.append(text)

    watcher = ModelWatcher(store, load, seconds=0.01)
    await watcher.start()
    with pytest.raises(RuntimeError, match="no model"):
        await watcher.ping()
    create(store, "first")
    await wait_until(lambda: loaded == ["first"])
    await watcher.ping()
    create(store, "broken")
    create(store, "third")
    await wait_until(lambda: loaded == ["first", "third"])
    await watcher.close()
