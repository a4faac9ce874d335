"""Every model by its name: what `aisle evaluate recsys --model NAME` and the model files know."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from services.recsys.domain.models.basket import BasketModel
from services.recsys.domain.models.cooccurrence import CooccurrenceModel
from services.recsys.domain.models.ease import Ease
from services.recsys.domain.models.ials import Ials
from services.recsys.domain.models.model import Model
from services.recsys.domain.models.popularity import PopularityModel

MODELS: Mapping[str, Callable[..., Model]] = MappingProxyType(
    {
        "popularity": PopularityModel,
        "cooccurrence": CooccurrenceModel,
        "ease": Ease,
        "ials": Ials,
        "basket": BasketModel,
    }
)
"""The classes; settings are their arguments by keyword, each with a default."""
