"""Counts of what is wanted by its properties, each without the request's own choice among its values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from services.search.domain.attributes import PREFIX, attribute_of, range_name
from services.search.domain.ports import Shelf, Wanted
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.understanding import Understanding, narrowed
from services.search.domain.request import MAX_FACET_VALUES, MAX_SEARCHED_VALUES, Filter, Request
from services.search.domain.rescue import without_facet
from services.search.domain.text import key

Counts = list[tuple[str, int]]


class Facets(NamedTuple):
    """The values of each facet with their numbers of products; of the `ranged` the values are ranges."""

    counts: Mapping[str, Counts]
    ranged: frozenset[str] = frozenset()


def facets(request: Request, query: Understanding, wanted: Wanted, shelf: Shelf, lexicon: Lexicon) -> Facets:
    """Counts without the request's own filter on the facet's values, so that more can be chosen."""
    if query.text and not (wanted.words or wanted.texts):
        return Facets({name: [] for name in request.facets})  # there is nothing that a product could match
    ranged = frozenset(name for name in request.facets if (of := attribute_of(name)) and lexicon.ranged(of))
    together: dict[Filter, dict[str, str]] = {}
    for name in request.facets:
        wider = narrowed(query, without_facet(request.filter, name), lexicon)
        together.setdefault(wider, {})[_counted(name, ranged)] = name
    limit = MAX_SEARCHED_VALUES if request.facet_prefixes else MAX_FACET_VALUES
    counts: dict[str, Counts] = {}
    for wider, names in together.items():
        found = shelf.facets(list(names), replace(wanted, filter=wider), limit)
        counts |= {name: found[engines] for engines, name in names.items()}
    prefixes = dict(request.facet_prefixes)
    return Facets(
        {
            name: _beginning(_shown(name, counts[name], name in ranged, lexicon), prefixes.get(name, ""))
            for name in request.facets
        },
        ranged,
    )


def _counted(name: str, ranged: frozenset[str]) -> str:
    """The facet as the engine has it."""
    attribute = attribute_of(name)
    if attribute is None:
        return name
    return f"{PREFIX}{range_name(attribute) if name in ranged else attribute}"


def _shown(name: str, counts: Counts, ranged: bool, lexicon: Lexicon) -> Counts:
    """With values as the catalogue writes them."""
    attribute = attribute_of(name)
    if attribute is None or ranged:
        return counts
    texts = lexicon.shown(attribute, [value for value, _ in counts])
    found = [(texts.get(value, value), count) for value, count in counts]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _beginning(values: Sequence[tuple[str, int]], prefix: str) -> Counts:
    """The first values with a word that begins so, whatever comes before it in the value."""
    begin = f" {key(prefix)}"
    found = [value for value in values if begin in f" {key(value[0])}"] if prefix else values
    return list(found[:MAX_FACET_VALUES])
