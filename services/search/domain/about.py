"""Which categories a query is about: by what is found first, its own words, and what clicks taught."""

from collections.abc import Callable, Sequence

from services.search.domain.categories import Learnt
from services.search.domain.product import LEVEL
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.understanding import Understanding
from services.search.domain.related import VOTERS, Predicted, Shares, shares, surest
from services.search.domain.text import key


class About:
    """Tells them; any thread may call it. `learnt` tells what clicks taught, None when there is nothing."""

    def __init__(self, lexicon: Lexicon, learnt: Callable[[], Learnt | None]) -> None:
        self._lexicon = lexicon
        self._learnt = learnt

    def of(self, typed: str, query: Understanding, product_ids: Sequence[str]) -> list[Predicted]:
        """The surest categories of a query as it was typed and understood, by what it found, best first.

        A category's own name means it, whatever else has its words: only products in it vote, later ones
        too where none of the first is.
        """
        votes = self._votes(product_ids[:VOTERS])
        if names := _whole(query):
            votes = _within(votes, names) or self._voted_within(product_ids, names) or votes
        learnt = self._learnt()
        return surest(learnt.shares(key(typed), votes) if learnt else votes)

    def _votes(self, product_ids: Sequence[str]) -> Shares:
        return shares(product_ids, self._lexicon.categories(product_ids)) if product_ids else {}

    def _voted_within(self, product_ids: Sequence[str], names: set[str]) -> Shares:
        paths = self._lexicon.categories(product_ids)
        inside = {
            product_id: [path for path in paths[product_id] if _lies_in(path, names)]
            for product_id in product_ids
            if product_id in paths
        }
        voters = [product_id for product_id, some in inside.items() if some]
        return shares(voters, inside) if voters else {}


def _whole(query: Understanding) -> set[str]:
    """Names of categories that are the whole query."""
    length = len(key(query.text).split())
    return {one.key for one in query.named if one.kind == "category" and len(one.key.split()) == length}


def _within(votes: Shares, names: set[str]) -> Shares:
    inside = {path: share for path, share in votes.items() if _lies_in(path, names)}
    every = sum(inside.values())
    return {path: share / every for path, share in inside.items()}


def _lies_in(path: str, names: set[str]) -> bool:
    return not names.isdisjoint(map(key, path.split(LEVEL)))
