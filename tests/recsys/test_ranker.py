"""What a ranker knows, told by eye, and that it learns, keeps and serves what it learnt."""

from pathlib import Path

import numpy as np
import pytest

from services.kit.lambdamart import LambdaMart
from services.recsys.adapters import model_files, ranker
from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.domain import mixing
from services.recsys.domain.blending import gather
from services.recsys.domain.context import Asked, context_of
from services.recsys.domain.features import NAMES, features
from services.recsys.domain.filters import EVERYTHING
from services.recsys.domain.placements import MIXES, NEXT_BASKET, Placement, Source
from services.recsys.domain.recommend import blend, recommend
from services.recsys.domain.trained import Trained
from tests.recsys import world


def table(knowledge: MemoryKnowledge, user: str, mix=NEXT_BASKET) -> dict[str, dict[str, float]]:
    """By product id, the features by name."""
    with knowledge.shop() as shop:
        on = context_of(knowledge, shop, mix, Asked([f"user:{user}"]), EVERYTHING, ())
        found = gather(shop, on, mix.parts)
        rows = features(shop, on, found, np.arange(len(found.rows)))
        ids = [shop.catalogue.ids[row] for row in found.rows]
    return {one: dict(zip(NAMES, row.tolist(), strict=True)) for one, row in zip(ids, rows, strict=True)}


def test_features_tell_what_the_shopper_did_and_pays(knowledge):
    knowledge.take(world.bought("ann", "milk", hours=4 * 24))
    known = table(knowledge, "ann")
    milk, oat = known["milk"], known["oat"]
    assert milk["times bought"] == 4
    assert milk["days since it was bought or looked at"] == 0
    assert known["bread"]["days since it was bought or looked at"] > 2
    assert oat["times bought"] == 0
    assert oat["days since it was bought or looked at"] == -1
    assert milk[f"given by {Source.REPEATS.name}"] == pytest.approx(1)
    # She pays 3.99 for milk and 5.49 for butter, both dairy; their mean log is that of 4.68.
    usual = (np.log(3.99) + np.log(5.49)) / 2
    name = "price over what the shopper pays on its shelf"
    assert milk[name] == pytest.approx(np.log(3.99) - usual, abs=1e-5)
    assert oat[name] == pytest.approx(np.log(4.99) - usual, abs=1e-5)
    assert known["chips"][name] == 0
    assert milk["liking of its shelf"] > known["chips"]["liking of its shelf"] == 0
    assert milk["liking of its brand"] == oat["liking of its brand"] > 0


def test_a_stranger_and_a_product_without_a_price_have_features_too(knowledge):
    known = table(knowledge, "nobody")
    assert known["soap"]["price"] == 0
    assert known["bread"]["products known of the shopper"] == 0
    assert all(np.isfinite(list(row.values())).all() for row in known.values())


def lists(count: int) -> list[ranker.Example]:
    """The taken one is always that with the greatest popularity."""
    draw, column = np.random.default_rng(0), NAMES.index("popularity")
    found = []
    for _ in range(count):
        made = draw.random((20, len(NAMES))).astype(np.float32)
        found.append((made, made[:, column] == made[:, column].max()))
    return found


@pytest.fixture(scope="module")
def learnt() -> LambdaMart:
    return ranker.learn(lists(200))


def test_it_learns_which_feature_counts_and_the_same_again(learnt):
    fresh, taken = lists(230)[-1]
    assert learnt.score(fresh).argmax() == taken.argmax()
    assert (ranker.learn(lists(200)).score(fresh) == learnt.score(fresh)).all()
    assert len(learnt.score(fresh[:0])) == 0


def test_it_comes_back_from_its_file_and_a_cut_file_is_refused(tmp_path: Path, learnt):
    made = Trained(world.model().ids, world.model().models, {}, {"home": learnt})
    model_files.save(made, tmp_path)
    fresh, _ = lists(1)[0]
    assert (model_files.load(tmp_path).rankers["home"].score(fresh) == learnt.score(fresh)).all()
    (tmp_path / "ranker of home.txt").write_text("tree")
    with pytest.raises(ValueError, match="ranker"):
        model_files.load(tmp_path)


def test_a_ranker_of_other_features_is_left_out(tmp_path: Path, learnt, monkeypatch):
    made = Trained(world.model().ids, world.model().models, {}, {"home": learnt})
    model_files.save(made, tmp_path)
    monkeypatch.setattr(ranker, "NAMES", [*NAMES, "a new one"])
    assert not model_files.load(tmp_path).rankers


class CheapestFirst:
    """A ranker by price alone."""

    def score(self, features):
        return -features[:, NAMES.index("price")].astype(np.float64)

    def text(self) -> str:
        return ""


def test_a_ranker_orders_the_placement_it_is_for_and_no_other(knowledge):
    plain = blend(knowledge, MIXES[Placement.POPULAR], Asked())
    knowledge.use(Trained(world.model().ids, world.model().models, {}, {"home": CheapestFirst()}), "m2")
    home = recommend(knowledge, Placement.HOME, Asked(), EVERYTHING, (), 24).products
    assert [one.product_id for one in home][:4] == ["soap", "beer", "bread", "chips"]
    assert [one.product_id for one in home][-1] == "guac"
    assert blend(knowledge, MIXES[Placement.POPULAR], Asked()).products == plain.products


class Recorder(CheapestFirst):
    """Keeps the features that it is asked with."""

    def score(self, features):
        self.seen = features
        return super().score(features)


def test_a_ranker_is_served_the_very_features_that_it_would_learn_from(knowledge):
    """Also those of sources that only fill up, which are else not asked when there is enough."""
    recorder, weights = Recorder(), {"POPULAR": 0.001, "POPULAR_IN_LIKED": 0.01}
    trained = Trained(world.model().ids, world.model().models, {"home": weights}, {"home": recorder})
    knowledge.use(trained, "m2")
    mix = MIXES[Placement.HOME]
    best = {source: weights.get(source.name, weight) for source, weight in mix.parts.items()}
    case = mixing.cases(knowledge, mix, {"user:ann": frozenset({"cereal"})}, best)[0]
    recommend(knowledge, Placement.HOME, Asked(("user:ann",)), EVERYTHING, (), 1)
    assert recorder.seen[:, NAMES.index("given by POPULAR")].any()
    assert sorted(recorder.seen.tolist()) == sorted(case.features.tolist())


def test_weights_go_to_the_source_that_foresees_and_a_ranker_is_measured_against_them(knowledge):
    mix = MIXES[Placement.HOME]
    later = {"user:ann": frozenset({"cereal"}), "user:bob": frozenset({"salsa"})}
    equal = dict.fromkeys(mix.parts, 1.0)
    known = mixing.cases(knowledge, mix, later, equal)
    chosen = mixing.choose(mix, known)

    def foreseen(**weights: float) -> float:
        vector = np.array([weights.get(source.name, 0) for source in mix.parts], np.float32)
        return float(np.mean([case.ndcg(vector) for case in known]))

    assert foreseen(**chosen) > foreseen(POPULAR=1.0)
    assert foreseen(**chosen) == 1.0
    assert chosen["POPULAR"] > 0
    assert chosen["VISIT"] == mix.parts[Source.VISIT]
    best = {source: chosen[source.name] for source in mix.parts}
    assert mixing.gain_of(CheapestFirst(), mixing.cases(knowledge, mix, later, best)) < 0
