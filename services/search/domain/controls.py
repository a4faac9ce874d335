"""What the merchant decides about searches: pins, boosts, redirects, synonyms, signals; with dates.

Control
├── Pin
├── Boost
├── Redirect
├── Synonyms
└── SignalWeights
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from services.search.domain.errors import InvalidValue, TooLarge, TooManyItems
from services.search.domain.ports import Word
from services.search.domain.query.understanding import Understanding
from services.search.domain.request import Filter
from services.search.domain.signals import NAMES, Weights
from services.search.domain.text import key, words

MAX_ID_BYTES: Final = 128
MAX_QUERIES: Final = 100
MAX_POSITION: Final = 100
MAX_PRODUCTS: Final = 1_000
MAX_URI_BYTES: Final = 2_000
MIN_TERMS, MAX_TERMS = 2, 50
MAX_WEIGHT: Final = 8.0
_BEGIN: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One decision; `queries` are in normal spelling, none means every query. Raises a SearchError."""

    id: str
    queries: frozenset[str] = frozenset()
    start: datetime = _BEGIN
    end: datetime = _END

    def __post_init__(self) -> None:
        if not self.id:
            raise InvalidValue("a control needs an id", "control.control_id")
        if len(self.id.encode(errors="replace")) > MAX_ID_BYTES:
            raise TooLarge(f"at most {MAX_ID_BYTES} bytes", "control.control_id")
        if len(self.queries) > MAX_QUERIES:
            raise TooManyItems(f"at most {MAX_QUERIES} queries", "control.queries")
        if self.start >= self.end:
            raise InvalidValue("the end must be after the start", "control.end_time")

    def applies(self, query: str, now: datetime) -> bool:
        """Whether it is in force now, for a query in normal spelling."""
        return self.start <= now < self.end and (not self.queries or query in self.queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin(Control):
    """Puts a product at a place, from 1."""

    product_id: str
    position: int = 1

    def __post_init__(self) -> None:
        super(Pin, self).__post_init__()
        if not self.product_id:
            raise InvalidValue("a pin needs a product", "control.pin.product_id")
        if not 1 <= self.position <= MAX_POSITION:
            raise InvalidValue(f"a place is from 1 to {MAX_POSITION}", "control.pin.position")
        _need_queries(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost(Control):
    """Moves products by `strength`, from -1 to 1."""

    strength: float
    product_ids: frozenset[str] = frozenset()
    filter: Filter = field(default_factory=Filter)

    def __post_init__(self) -> None:
        super(Boost, self).__post_init__()
        if not (-1 <= self.strength <= 1 and self.strength):
            raise InvalidValue("a strength is from -1 to 1, and not 0", "control.boost.strength")
        if len(self.product_ids) > MAX_PRODUCTS:
            raise TooManyItems(f"at most {MAX_PRODUCTS} products", "control.boost.product_ids")
        if not self.product_ids and self.filter == Filter():
            raise InvalidValue("a boost needs products or a filter", "control.boost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Control):
    """Sends whoever types a query to a page."""

    uri: str

    def __post_init__(self) -> None:
        super(Redirect, self).__post_init__()
        if not self.uri:
            raise InvalidValue("a redirect needs an address", "control.redirect.uri")
        if len(self.uri.encode(errors="replace")) > MAX_URI_BYTES:
            raise TooLarge(f"at most {MAX_URI_BYTES} bytes", "control.redirect.uri")
        _need_queries(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Synonyms(Control):
    """Terms, each its normal words, that count as one another; one way: only whoever types the first."""

    terms: tuple[str, ...]
    one_way: bool = False

    def __post_init__(self) -> None:
        super(Synonyms, self).__post_init__()
        if not (MIN_TERMS <= len(set(self.terms)) <= MAX_TERMS and all(self.terms)):
            raise InvalidValue(f"from {MIN_TERMS} to {MAX_TERMS} different terms", "control.synonyms.terms")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalWeights(Control):
    """Sets what business signals count."""

    weights: Weights

    def __post_init__(self) -> None:
        super(SignalWeights, self).__post_init__()
        for name in NAMES:
            if not 0 <= getattr(self.weights, name) <= MAX_WEIGHT:
                field = f"control.signal_weights.{name}"
                raise InvalidValue(f"a weight is from 0 to {MAX_WEIGHT:g}", field)


def _need_queries(control: Control) -> None:
    if not control.queries:
        raise InvalidValue("a pin or a redirect is for named queries", "control.queries")


class Controls(Protocol):
    """All controls; any thread may call it."""

    def all(self) -> Sequence[Control]:
        """The controls, by id."""
        ...

    def text_keys(self, product_ids: Sequence[str]) -> list[int]:
        """Keys of the embedded texts of these products."""
        ...


C = TypeVar("C", bound=Control)


@dataclass(frozen=True, slots=True)
class InForce:
    """The controls that apply to one search."""

    controls: Sequence[Control] = ()

    @classmethod
    def of(cls, controls: Sequence[Control], query: str, now: datetime) -> "InForce":
        """Those that apply to what was typed."""
        normal = key(query)
        return cls([control for control in controls if control.applies(normal, now)])

    def only(self, kind: type[C]) -> list[C]:
        """Those of one kind, by id."""
        return [control for control in self.controls if isinstance(control, kind)]

    @property
    def redirect(self) -> str:
        """Where to send the shopper; "" for nowhere."""
        return next((control.uri for control in self.only(Redirect)), "")

    @property
    def weights(self) -> Weights:
        """What signals count: by the first control that says so, else the defaults."""
        return next((control.weights for control in self.only(SignalWeights)), Weights())


def with_synonyms(query: Understanding, groups: Sequence[Synonyms]) -> Understanding:
    """The query with the synonyms of its words and phrases beside them; itself when it has none."""
    asked = query.words
    for group in groups:
        for term in group.terms[:1] if group.one_way else group.terms:
            others = tuple(other for other in group.terms if other != term)
            asked = _beside(asked, term, others)
    return query if asked == query.words else replace(query, words=asked)


def _beside(asked: tuple[Word, ...], term: str, others: tuple[str, ...]) -> tuple[Word, ...]:
    """A term of several words becomes one phrase, with the others beside it."""
    typed, wanted = [word[0] for word in asked], words(term)
    for start in range(len(typed) - len(wanted) + 1):
        if typed[start : start + len(wanted)] == wanted:
            known = asked[start] if len(wanted) == 1 else (term,)
            return (*asked[:start], tuple(dict.fromkeys((*known, *others))), *asked[start + len(wanted) :])
    return asked
