"""Training and evaluation over a log: what is held out, what is promoted, what is reported."""

from pathlib import Path

import pytest

from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.progress import silent
from services.recsys.adapters import model_files
from services.recsys.config import Config
from services.recsys.domain.history import Recorder, split
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.suited import SEARCHED, suited
from services.recsys.domain.trained import Role, Trained
from services.recsys.evaluate import evaluate
from services.recsys.train import train
from tests.recsys import world


@pytest.fixture
async def log() -> MemoryLog:
    """Thirty shoppers: milk, then cereal; chips, then salsa. The model can see what comes next."""
    memory = MemoryLog()
    signals = []
    for user in range(30):
        first, then = ("milk", "cereal") if user % 2 else ("chips", "salsa")
        signals += [world.bought(f"u{user}", first, "bread", hours=10 * day) for day in range(5)]
        signals.append(world.bought(f"u{user}", first, then, hours=60))
        signals += [world.bought(f"old{user}", first, then, hours=day) for day in range(3)]
    await memory.append([world.change(product) for product in world.PRODUCTS])
    await memory.append([world.event(signal, f"m{number}") for number, signal in enumerate(signals)])
    return memory


def nothing(data: Interactions, sequence: bool) -> list[tuple[Role, str, dict[str, object]]]:
    """Models that say next to nothing: what to train when a worse model is wanted."""
    return [(Role.COLLABORATIVE, "popularity", {})]


async def test_training_foresees_the_next_basket_and_reports(tmp_path: Path, log: MemoryLog):
    told: list[tuple[str, int, int]] = []
    config = Config(home=tmp_path)
    report = await train(config, progress=lambda *step: told.append(step), log=log)
    assert report["promoted"]
    metrics = report["metrics"]
    assert metrics["new.recall@10"]["value"] == 1
    assert (
        0 < metrics["new.ndcg@10"]["low"] <= metrics["new.ndcg@10"]["value"] <= metrics["new.ndcg@10"]["high"]
    )
    assert metrics["ndcg@10"]["value"] > metrics["frequency.ndcg@10"]["value"]
    assert metrics["ndcg@10"]["value"] > metrics["popular.ndcg@10"]["value"]
    above = metrics["ndcg@10"]["value"] - metrics["frequency.ndcg@10"]["value"]
    assert metrics["above.frequency.ndcg@10"]["value"] == pytest.approx(above)
    assert metrics["basket.mib"]["value"] > 0
    assert metrics["ease.regularisation"]["value"] in SEARCHED["ease"][0]["regularisation"]
    assert report["span"]["events"] == "270"
    assert {what for what, _, _ in told} >= {"reading events", "co-occurrence", "measuring"}
    assert all(done <= total for _, done, total in told)

    again = await train(config, progress=silent, log=log)
    assert again["promoted"]
    assert again["metrics"]["gain"]["value"] == 0

    evaluated = await evaluate(config, progress=silent, log=log)
    assert evaluated["model"] == again["version"]
    assert evaluated["shoppers"] == 30
    assert evaluated["metrics"]["ndcg@10"] == metrics["ndcg@10"]
    above = evaluated["metrics"]["above.frequency.ndcg@10"]
    assert above["low"] > 0
    assert above["value"] == pytest.approx(
        metrics["ndcg@10"]["value"] - metrics["frequency.ndcg@10"]["value"], abs=1e-9
    )


async def test_any_model_is_measured_on_the_last_weeks_of_the_log(tmp_path: Path, log: MemoryLog):
    told = await evaluate(
        Config(home=tmp_path), progress=silent, log=log, model="cooccurrence", against="popularity"
    )
    assert (told["protocol"], told["cases"]) == ("last-weeks", 30)
    assert told["metrics"]["hit@10"]["value"] == 1
    with pytest.raises(ValueError, match="--test goes with --interactions"):
        await evaluate(Config(home=tmp_path), progress=silent, log=log, test=tmp_path / "any")


async def test_a_worse_model_is_not_promoted_unless_forced(tmp_path: Path, log: MemoryLog, monkeypatch):
    config, store = Config(home=tmp_path), ModelStore(tmp_path, "recsys")
    good = await train(config, progress=silent, log=log)
    monkeypatch.setattr("services.recsys.train.suited", nothing)
    worse = await train(config, progress=silent, log=log)
    assert worse["metrics"]["gain"]["value"] < 0
    assert not worse["promoted"]
    assert store.pointer() == good["version"]
    forced = await train(config, force=True, progress=silent, log=log)
    assert forced["promoted"]
    assert store.pointer() == forced["version"]
    monkeypatch.undo()
    assert (await train(config, progress=silent, log=log))["promoted"]


async def test_an_empty_log_trains_an_empty_model(tmp_path: Path):
    config = Config(home=tmp_path)
    report = await train(config, progress=silent, log=MemoryLog())
    assert report["span"] == {"events": "0"}
    assert (await evaluate(config, progress=silent, log=MemoryLog()))["shoppers"] == 0


def test_what_came_last_is_held_out_of_everybody():
    recorder = Recorder()
    recorder.add(world.bought("ann", "milk", hours=0))
    recorder.add(world.bought("ann", "beer", "milk", hours=7))
    recorder.add(world.bought("bob", "bread", hours=7.9))
    recorder.add(world.viewed("ann", "chips", hours=7))
    recorder.add(world.viewed("ann", "salsa", hours=9))
    recorder.add(world.bought("ann", "soap", hours=9))
    recorder.add(world.bought("ann", "soap", "milk", hours=10))
    recorder.add(world.bought("new", "soap", hours=10))
    history = recorder.history()
    found = split(history, least=1)
    assert found.last == {0: frozenset({"soap", "milk"})}
    assert found.known.tolist() == [True, True, True, True, False, False, False, False]
    assert [signal.items[0][0] for signal in history.signals(0, found.known)] == ["milk", "beer", "chips"]
    # The last half hour only, and those who ordered twice before.
    assert split(history, least=2, weeks=0.5 / 168).known.tolist() == [True] * 6 + [False] * 2
    assert split(history, least=3).last == {}


def test_orders_become_interactions_in_the_order_of_time():
    recorder = Recorder()
    recorder.add(world.viewed("eve", "chips", hours=0))
    recorder.add(world.bought("ann", "beer", hours=3))
    recorder.add(world.bought("bob", "bread", hours=2))
    recorder.add(world.bought("ann", "milk", "soap", hours=1))
    history = recorder.history()
    ids, data = history.items, history.interactions()
    rows = [data.past(user) for user in range(data.users)]
    assert [[ids[item] for item in past.items] for past in rows] == [[], ["milk", "soap", "beer"], ["bread"]]
    assert [past.baskets.tolist() for past in rows] == [[], [0, 0, 1], [0]]
    assert rows[1].times[2] - rows[1].times[0] == 2 * 3600


def test_what_was_trained_comes_back_from_its_files_as_it_was(tmp_path: Path):
    made = Trained(world.model().ids, world.model().models, {"home": {"POPULAR": 0.25}})
    model_files.save(made, tmp_path)
    found = model_files.load(tmp_path)
    assert (list(found.ids), found.weights) == (list(made.ids), made.weights)
    for role, model in made.models.items():
        for name, array in model.arrays().items():
            assert (found.models[role].arrays()[name] == array).all()
    (tmp_path / "ids.json").write_text('["milk"]')
    with pytest.raises(ValueError, match="fit"):
        model_files.load(tmp_path)


async def test_the_sequence_model_is_learnt_and_served_when_asked_for(
    tmp_path: Path, log: MemoryLog, monkeypatch
):
    pytest.importorskip("torch", reason="training SASRec needs torch: install aisle[train]")
    assert (Role.SEQUENCE, "sasrec", {}) in list(suited(world.interactions(), sequence=True))
    assert Role.SEQUENCE not in {role for role, _, _ in suited(world.interactions())}
    small = {"epochs": 2, "size": 8, "negatives": 8}
    monkeypatch.setattr(
        "services.recsys.train.suited", lambda data, sequence: [(Role.SEQUENCE, "sasrec", small)]
    )
    config = Config(home=tmp_path, sequence=True)
    report = await train(config, progress=silent, log=log)
    assert report["metrics"]["sasrec.cpu_seconds"]["value"] > 0
    served = ModelStore(tmp_path, "recsys").current()
    assert served is not None
    assert Role.SEQUENCE in model_files.load(served.path).models
    assert not list((tmp_path / "checkpoints").iterdir())
