"""`aisle train search --learn ranking`: learns from clicks what relevance alone does not tell.

The trees only correct the score that there is, so without clicks nothing changes. One query in MEASURED is
held out, and the ranker serves when it orders the held-out queries' lists better, with 95% confidence.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.kit import lambdamart
from services.kit.examination import examination
from services.kit.lambdamart import Example
from services.kit.log import Log
from services.kit.progress import Metric, Progress, TrainReport
from services.search.adapters.ranking import FILE, ServedRanker, ranking_store
from services.search.config import Config
from services.search.domain.clicks import DEEPEST, Ranked, Shown, worth
from services.search.domain.learning import NAMES, Ranker, features, usual_price
from services.search.domain.measures import interval, paired
from services.search.domain.ordering import FIRST
from services.search.domain.search import Searcher
from services.search.domain.signals import Signals, Weights, weighted
from services.search.domain.stages import ALL
from services.search.domain.text import key
from services.search.offline import read_shop, searchable

LEAST_LISTS: Final = 100
"""With fewer, a ranker learns chance."""

MOST_LISTS: Final = 20_000
"""The latest lists that count."""

MEASURED: Final = 3
"""Of so many queries one measures and the others teach."""


class Taught(NamedTuple):
    """A ranker, and how held-out queries' lists are ordered by what serves and by it."""

    ranker: lambdamart.LambdaMart
    metrics: dict[str, Metric]

    @property
    def better(self) -> bool:
        """Whether it orders them better, beyond chance."""
        low = self.metrics["gain"]["low"]
        return low is not None and low > 0


async def learn(config: Config, *, force: bool, progress: Progress, log: Log | None = None) -> TrainReport:
    """Publishes a ranker; it serves when it is better, or by force.

    Raises ValueError when there is no encoder yet or there are too few lists.
    """
    encoder, shown, products = await read_shop(config, log, progress)
    async with searchable(config, encoder, products, progress) as built:
        lists = ranked(built.searcher(ALL), built.signals, shown[-MOST_LISTS:], progress)
    taught = await asyncio.to_thread(teach, lists, shown, ServedRanker(config.home).ranker)
    promoted = force or taught.better
    span = {"lists": str(len(lists)), "queries": str(len({one.query for one in lists}))}
    model = ranking_store(config.home).create(
        partial(_write, taught.ranker), metrics=taught.metrics, span=span, promote=promoted
    )
    return {"version": model.version, "promoted": promoted, "metrics": model.metrics, "span": model.span}


def _write(ranker: lambdamart.LambdaMart, folder: Path) -> None:
    (folder / FILE).write_text(ranker.text(), encoding="utf-8")


def ranked(searcher: Searcher, signals: Signals, shown: Sequence[Shown], progress: Progress) -> list[Ranked]:
    """The lists of which something was wanted and something not, as far as their queries still find them."""
    by_query: dict[str, list[Shown]] = {}
    for one in shown:
        by_query.setdefault(key(one.listed.query), []).append(one)
    found = []
    for done, (query, lists) in enumerate(sorted(by_query.items()), 1):
        progress("searching again", done, len(by_query))
        understood, matches = searcher.fused(query)
        by_id = {match.candidate.product_id: match for match in matches[:FIRST]}
        documents = [match.candidate.document for match in by_id.values()]
        for listed, wanted in lists:
            kept = np.array([name in by_id for name in listed.products], bool)
            if not wanted[kept].any() or wanted[kept].all():
                continue
            known = dict(signals.of(documents, listed.time))
            usual = usual_price(known)
            mine = [by_id[name] for name in listed.products if name in by_id]
            for match, sold in zip(mine, listed.popularity[kept], strict=True):
                document = match.candidate.document
                known[document] = known[document]._replace(popularity=float(sold))
            mine = weighted(mine, known, Weights(), listed.time)
            table = features(mine, known, understood, usual, listed.time)
            base = np.array([match.score for match in mine])
            found.append(Ranked(query, table, base, listed.positions[kept], wanted[kept]))
    return found


def teach(lists: Sequence[Ranked], shown: Sequence[Shown], serving: Ranker | None) -> Taught:
    """Learns from most queries and measures on the others. Raises ValueError when there are too few lists."""
    ours = [one for one in lists if not _measures(one.query)]
    theirs = [one for one in lists if _measures(one.query)]
    if len(ours) < LEAST_LISTS or not theirs:
        raise ValueError(
            f"{len(lists)} lists of searches with a click: {LEAST_LISTS} to learn from are needed,"
            " and others to measure on"
        )
    ranker = lambdamart.learn(
        NAMES, [Example(one.features, one.wanted, one.positions, one.base) for one in ours]
    )
    looked = examination(
        [
            (one.listed.products, one.listed.positions, one.wanted > 0)
            for one in shown
            if not _measures(key(one.listed.query))
        ],
        DEEPEST,
    )
    before = worth(theirs, [_scores(one, serving) for one in theirs], looked)
    after = worth(theirs, [_scores(one, ranker) for one in theirs], looked)
    old, new = [list(each.values()) for each in (before, after)]
    return Taught(ranker, {"serving": interval(old), "learnt": interval(new), "gain": paired(new, old)})


def _scores(one: Ranked, ranker: Ranker | None) -> NDArray[np.float64]:
    return one.base if ranker is None else one.base + ranker.score(one.features)


def _measures(query: str) -> bool:
    """The same for a query in every training, and on average for one in MEASURED."""
    return int.from_bytes(blake2b(query.encode(), digest_size=4).digest(), "big") % MEASURED == 0
