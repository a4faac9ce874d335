"""`aisle train search --learn categories`: learns from clicks which categories a query is about.

The first two thirds of the lists teach, and the last third measures: it serves when more of the later clicks
lie in the surest category than by the answer's own votes, with 95% confidence. What serves then is learnt
from all of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from services.kit.examination import examination
from services.kit.log import Log
from services.kit.progress import Metric, Progress, TrainReport
from services.search.adapters.served_categories import categories_store, write
from services.search.config import Config
from services.search.domain.categories import Clicks, Learnt, strength_of
from services.search.domain.clicks import DEEPEST, MOST_WEIGHT, Shown
from services.search.domain.measures import interval, paired
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.related import VOTERS, Shares, shares, surest
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.domain.stages import ALL
from services.search.domain.text import key
from services.search.offline import read_shop, searchable

LEAST_CLICKS: Final = 100
"""With fewer, on either side of the cut, chance is learnt or measured."""

LEAST_LISTS: Final = 2
"""Lists of a query in which something was clicked, for it to be remembered."""

MOST_LISTS: Final = 50_000
TAUGHT_BY: Final = 2 / 3


class Click(NamedTuple):
    """A product taken after a query: its categories, and how many clicks it stands for."""

    query: str
    request_id: str
    paths: Sequence[str]
    weight: float


async def learn(config: Config, *, force: bool, progress: Progress, log: Log | None = None) -> TrainReport:
    """Publishes what clicks tell; it serves when it is better, or by force.

    Raises ValueError when there is no encoder yet or there are too few clicks.
    """
    encoder, shown, products = await read_shop(config, log, progress)
    async with searchable(config, encoder, products, progress) as built:
        shown = shown[-MOST_LISTS:]
        clicks = await asyncio.to_thread(clicked, shown, built.lexicon)
        votes = await asyncio.to_thread(voted, built.searcher(ALL), built.lexicon, clicks, progress)
    learnt, metrics = teach(clicks, votes)
    low = metrics["gain"]["low"]
    promoted = force or (low is not None and low > 0)
    span = {"clicks": str(len(clicks)), "queries": str(len(learnt.queries))}
    model = categories_store(config.home).create(
        partial(write, learnt), metrics=metrics, span=span, promote=promoted
    )
    return {"version": model.version, "promoted": promoted, "metrics": model.metrics, "span": model.span}


def clicked(shown: Sequence[Shown], lexicon: Lexicon) -> list[Click]:
    """What was taken, in order of time, of products that still have a category.

    What was taken from where few look stands for all who did not look (Joachims et al. 2017).
    """
    looked = examination(
        [(one.listed.products, one.listed.positions, one.wanted > 0) for one in shown], DEEPEST
    )
    weights = np.minimum(1 / looked, MOST_WEIGHT)
    paths = lexicon.categories(sorted({name for one in shown for name in one.listed.products}))
    return [
        Click(key(listed.query), listed.request_id, paths[name], float(weights[position - 1]))
        for listed, wanted in shown
        for name, position, taken in zip(listed.products, listed.positions, wanted, strict=True)
        if taken and name in paths
    ]


def voted(
    searcher: Searcher, lexicon: Lexicon, clicks: Sequence[Click], progress: Progress
) -> dict[str, Shares]:
    """The votes of each query's answer, as it is served now."""
    found = {}
    queries = sorted({click.query for click in clicks})
    for done, query in enumerate(queries, 1):
        page = searcher.search(Request(query, page_size=VOTERS))
        first = [result.product_id for result in page.results]
        found[query] = shares(first, lexicon.categories(first)) if first else {}
        progress("searching again", done, len(queries))
    return found


def teach(clicks: Sequence[Click], votes: Mapping[str, Shares]) -> tuple[Learnt, dict[str, Metric]]:
    """What all clicks tell, and what the first of them tell of the last. Raises ValueError with too few."""
    cut = int(TAUGHT_BY * len(clicks))
    if min(cut, len(clicks) - cut) < LEAST_CLICKS:
        raise ValueError(
            f"{len(clicks)} clicks after searches on products that have a category:"
            f" {3 * LEAST_CLICKS} are needed"
        )
    first, last = learnt_from(clicks[:cut], votes), clicks[cut:]
    before, after = _right(last, votes, Learnt(first.strength, {})), _right(last, votes, first)
    metrics = {"answer": interval(before), "learnt": interval(after), "gain": paired(after, before)}
    return learnt_from(clicks, votes), metrics


def learnt_from(clicks: Sequence[Click], votes: Mapping[str, Shares]) -> Learnt:
    """The clicks by query, each of them worth one on average, and what an answer is worth beside them."""
    one = sum(click.weight for click in clicks) / len(clicks)
    total: defaultdict[str, float] = defaultdict(float)
    inside: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    lists: defaultdict[str, set[str]] = defaultdict(set)
    for click in clicks:
        lists[click.query].add(click.request_id)
        total[click.query] += click.weight / one
        for path in click.paths:
            inside[click.query][path] += click.weight / one
    known = {
        query: Clicks(total[query], dict(inside[query]))
        for query in total
        if len(lists[query]) >= LEAST_LISTS
    }
    return Learnt(strength_of([(each, votes[query]) for query, each in known.items()]), known)


def _right(clicks: Sequence[Click], votes: Mapping[str, Shares], learnt: Learnt) -> list[float]:
    """Of each query the share of its clicks that lie in the surest category."""
    right: defaultdict[str, float] = defaultdict(float)
    every: defaultdict[str, float] = defaultdict(float)
    for click in clicks:
        told = surest(learnt.shares(click.query, votes[click.query]))
        every[click.query] += click.weight
        right[click.query] += click.weight * bool(told and told[0].path in click.paths)
    return [right[query] / total for query, total in every.items()]
