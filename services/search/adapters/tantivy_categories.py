"""Counts of categories: products are counted by the number of all their paths, each path sums its numbers.

A product's paths are one value of one column, whose letters tantivy looks up anew in each segment; so the
column that is counted holds numbers, and the letters of each are looked up once, when it is first met.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.search.adapters.tantivy_index import PATHS, SHELF
from services.search.domain.text import fingerprint

EVERY_BUCKET: Final = 65_000
"""Values that a facet may have before its counts are no longer exact: tantivy's own limit."""

NUMBERS: Final = {"terms": {"field": SHELF, "size": EVERY_BUCKET, "segment_size": EVERY_BUCKET}}
"""What to aggregate for `Categories.counts`."""

_LETTERS: Final = {"terms": {"field": "paths", "size": EVERY_BUCKET, "segment_size": EVERY_BUCKET}}
_MOST: Final = 500_000


class Categories:
    """Remembers the paths of each number, from look to look; any thread may ask."""

    def __init__(self) -> None:
        self._paths = dict[int, list[str]]()

    def counts(self, searcher: Any, query: Any, buckets: Sequence[Any]) -> Mapping[str, int]:
        """The products of each path among those that the query finds, whose numbers were counted."""
        known: Mapping[int, list[str]] = self._paths
        if any(bucket["key"] not in known for bucket in buckets):
            known = self._learn(searcher, query)
        counts = dict[str, int]()
        for bucket in buckets:
            products = int(bucket["doc_count"])
            for path in known[bucket["key"]]:
                counts[path] = counts.get(path, 0) + products
        return counts

    def _learn(self, searcher: Any, query: Any) -> Mapping[int, list[str]]:
        told = searcher.aggregate(query, {"paths": _LETTERS})["paths"]["buckets"]
        found = {fingerprint(bucket["key"]): bucket["key"].split(PATHS) for bucket in told}
        self._paths = {**(self._paths if len(self._paths) < _MOST else {}), **found}
        return self._paths
