"""Where candidates come from: one function a source, each with its candidates' reasons."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from services.recsys.domain.context import Context
from services.recsys.domain.placements import Source
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources import alike, past, popular, together, visit
from services.recsys.domain.sources.candidates import Candidates

SOURCES: Mapping[Source, Callable[[Shop, Context], Candidates]] = MappingProxyType(
    {
        Source.OWN: past.own,
        Source.REPEATS: past.repeats,
        Source.NEXT_BASKET: past.next_basket,
        Source.COLLABORATIVE: past.collaborative,
        Source.SEQUENCE: past.sequence,
        Source.VISIT: visit.visit,
        Source.NEIGHBOURS_OF_TASTE: together.neighbours_of_taste,
        Source.LIKED_SHELVES: alike.on_liked_shelves,
        Source.POPULAR_IN_LIKED: popular.popular_in_liked,
        Source.NEIGHBOURS_OF_CONTEXT: together.neighbours_of_context,
        Source.FORETOLD: alike.foretold,
        Source.LIKE_CONTEXT: alike.like_context,
        Source.POPULAR: popular.popular,
        Source.TRENDING: popular.trending,
        Source.NEW: popular.new,
    }
)
