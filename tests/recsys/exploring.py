"""Shoppers whose wishes are known: they look at positions and click what they like, by given chances."""

from dataclasses import dataclass

import numpy as np

from services.recsys.domain.exploration.drawing import Guard, draw, number_of, pools
from services.recsys.domain.exploration.estimators import Target
from services.recsys.domain.exploration.learning import Outcome
from services.recsys.domain.exploration.policy import Policy
from services.recsys.domain.exploration.slots import Floats, Slot, features
from services.recsys.domain.slate import Ranked

COUNT = 12
GUARD = Guard(share=1.0, positions=4, floor=0.1)


@dataclass(frozen=True)
class Market:
    """`likes[kind, product]` is the chance of a click once looked at; `scores` is what the ranker believes.

    A shopper looks at position p with chance p ** -0.7, whatever stands there.
    """

    likes: Floats
    scores: Floats

    def looks(self, position: int) -> float:
        """The chance that a position is looked at."""
        return float(position**-0.7)

    def ranked(self, kind: int) -> Ranked:
        """What the ranker would show this kind of shopper."""
        rows = np.argsort(-self.scores[kind], kind="stable")[: 2 * COUNT]
        return Ranked(rows, self.scores[kind][rows], [f"p{row}" for row in rows])

    def slots(self, kind: int) -> list[Slot]:
        """The exploring positions of this kind, nothing drawn."""
        ranked = self.ranked(kind)
        found = []
        for places in pools(ranked.scores, COUNT, GUARD):
            about = features(ranked.scores[places], places + 1, float(ranked.scores[0]))
            chances = np.full(len(places), 1 / len(places))
            found.append(Slot(int(places[0]) + 1, [ranked.ids[at] for at in places], about, chances, 0))
        return found

    def worth(self, kind: int, slot: Slot) -> Floats:
        """The chance of a click on each candidate of a slot."""
        rows = [int(product[1:]) for product in slot.products]
        return self.likes[kind, rows] * self.looks(slot.position)

    def value(self, target: Target) -> float:
        """The true mean response to an exploring position under a policy: no sample, all kinds alike."""
        values = [
            float(target(slot) @ self.worth(kind, slot))
            for kind in range(len(self.likes))
            for slot in self.slots(kind)
        ]
        return float(np.mean(values))

    def best(self) -> float:
        """The same when each position shows the candidate that is liked most."""
        kinds = range(len(self.likes))
        return float(np.mean([self.worth(kind, slot).max() for kind in kinds for slot in self.slots(kind)]))

    def shop(self, policy: Policy, visits: int, seed: int) -> list[Outcome]:
        """What visits of random kinds bring, one shopper a visit, drawn by the code that serves."""
        random, outcomes = np.random.default_rng(seed), []
        for visit, kind in enumerate(random.integers(0, len(self.likes), visits)):
            _, slots = draw(self.ranked(kind), COUNT, GUARD, policy, number_of(str(seed), str(visit)))
            for slot in slots:
                liked = random.random() < self.worth(kind, slot)[slot.chosen]
                outcomes.append(Outcome(slot, slot.position, f"s{visit}", float(visit), float(liked)))
        return outcomes


def market(seed: int = 0, kinds: int = 12, products: int = 60, doubt: float = 0.08) -> Market:
    """Clicks of 2 to 50 per cent; the ranker is wrong about each product, by `doubt`, alike for all kinds."""
    random = np.random.default_rng(seed)
    quality, taste = random.normal(0.15, 0.08, products), random.normal(0, 0.08, (kinds, products))
    likes = np.clip(quality + taste, 0.02, 0.5)
    wrong = random.normal(0, doubt, products)
    return Market(likes, np.clip(likes + wrong + random.normal(0, 0.02, likes.shape), 0.01, 0.9))
