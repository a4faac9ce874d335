"""Every model by its name: what `aisle evaluate recsys --model NAME` and the model files know."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from services.recsys.domain.models.basket import BasketModel
from services.recsys.domain.models.content import ContentModel
from services.recsys.domain.models.cooccurrence import CooccurrenceModel
from services.recsys.domain.models.ease import Ease
from services.recsys.domain.models.frequency import FrequencyModel
from services.recsys.domain.models.ials import Ials
from services.recsys.domain.models.model import Model
from services.recsys.domain.models.popularity import PopularityModel
from services.recsys.domain.models.sasrec import Sasrec
from services.recsys.domain.models.session import SessionModel
from services.recsys.domain.models.slist import Slist

MODELS: Mapping[str, Callable[..., Model]] = MappingProxyType(
    {
        "popularity": PopularityModel,
        "frequency": FrequencyModel,
        "cooccurrence": CooccurrenceModel,
        "ease": Ease,
        "slist": Slist,
        "ials": Ials,
        "basket": BasketModel,
        "session": SessionModel,
        "sasrec": Sasrec,
        "content": ContentModel,
    }
)
"""The classes; settings are their arguments by keyword, each with a default."""
