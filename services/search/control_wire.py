"""Between the controls' messages and the domain's values; nothing is decided here."""

from datetime import UTC, datetime
from typing import Any

from aisle.search.v1 import control_pb2

from services.search import wire
from services.search.domain.controls import Boost, Control, Pin, Redirect, SignalWeights, Synonyms
from services.search.domain.errors import InvalidValue
from services.search.domain.signals import NAMES, Weights
from services.search.domain.text import clean, key, words


def control_of(message: control_pb2.Control) -> Control:
    """The control, checked. Raises a SearchError."""
    common: dict[str, Any] = {
        "id": clean(message.control_id),
        "queries": frozenset(map(key, message.queries)),
        **{
            name: getattr(message, f"{name}_time").ToDatetime(UTC)
            for name in ("start", "end")
            if message.HasField(f"{name}_time")  # type: ignore[arg-type]
        },
    }
    match message.WhichOneof("action"):
        case "pin":
            return Pin(product_id=message.pin.product_id, position=message.pin.position or 1, **common)
        case "boost":
            return Boost(
                strength=message.boost.strength,
                product_ids=frozenset(message.boost.product_ids),
                filter=wire.filter_of(message.boost.filter),
                **common,
            )
        case "redirect":
            return Redirect(uri=clean(message.redirect.uri), **common)
        case "synonyms":
            terms = tuple(dict.fromkeys(" ".join(words(term)) for term in message.synonyms.terms))
            return Synonyms(terms=terms, one_way=message.synonyms.one_way, **common)
        case "signal_weights":
            told = message.signal_weights
            set_ = {name: getattr(told, name) for name in NAMES if told.HasField(name)}  # type: ignore[arg-type]
            return SignalWeights(weights=Weights(**set_), **common)
    what = "pin, boost, redirect, synonyms or signal_weights"
    raise InvalidValue(f"a control does something: {what}", "control.action")


def now() -> datetime:
    """The time that controls' dates are compared with."""
    return datetime.now(UTC)
