"""What every engine's shelf reads of the view's file: titles as they stand, brands as they are spelled."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.search.domain.attributes import GROUP, indexed
from services.search.domain.ports import Wanted
from services.search.domain.text import spread

_WORD: Final = re.compile(r"\w+")

Analyse = Callable[[str], Sequence[str]]
"""How a text becomes stems."""


def title_words(
    connection: sqlite3.Connection, analyse: Analyse, wanted: Wanted, product_ids: Sequence[str]
) -> Mapping[str, list[str]]:
    """See Shelf."""
    rows = connection.execute(
        "SELECT id, title FROM products WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(product_ids)),),
    )
    matches = _matching(analyse, wanted)
    return {id_: [word for word in _WORD.findall(spread(title)) if matches(word)] for id_, title in rows}


def _matching(analyse: Analyse, wanted: Wanted) -> Callable[[str], bool]:
    """Tells whether a word of a title is one of those wanted, by its stem; the last may be unfinished."""
    stems = {stem for word in wanted.words for text in word for stem in analyse(text)}
    last = tuple(analyse(wanted.words[-1][0])[-1:]) if wanted.prefix else ()

    def matches(word: str) -> bool:
        return any(stem in stems or stem.startswith(last) for stem in analyse(word))

    return matches


def attribute_counts(
    connection: sqlite3.Connection, name: str, where: str, values: Mapping[str, str], limit: int
) -> list[tuple[str, int]]:
    """The values of an attribute with their numbers of products; `where` is a condition beside others."""
    if name == GROUP:
        rows = connection.execute(
            f"SELECT primary_id, count(*) FROM products WHERE primary_id != '' {where}"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :limit",
            {**values, "limit": limit},
        )
        return list(rows)
    found = Counter[str]()
    for (packed,) in connection.execute(f"SELECT attributes FROM texts WHERE true {where}", values):
        pairs = indexed((of, key) for of, key, *_ in json.loads(packed))
        found.update(key for of, key in pairs if of == name)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def brand_spellings(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, str]:
    """Spellings of one brand count together, under the first of them."""
    rows = connection.execute(
        "SELECT value, (SELECT min(brand) FROM products WHERE brand_key = value) FROM json_each(?)",
        (json.dumps(keys),),
    )
    return dict(rows)
