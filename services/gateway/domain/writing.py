"""The write path: refuse what is wrong, append the rest to the log at once, tell each item's fate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.gateway.domain import limits
from services.gateway.domain.errors import Refused
from services.gateway.domain.ports import Journal, Stream

Draft = TypeVar("Draft")


@dataclass(frozen=True, slots=True)
class Item(Generic[Draft]):
    """One item of a write: its key and payload in the log, and the draft that decides whether it is good."""

    key: str
    draft: Draft
    payload: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one item was not written; `key` is cut at 128 bytes."""

    index: int
    key: str
    error: Refused


@dataclass(slots=True)
class Outcome:
    """What became of a write; faults in the order of their index."""

    written: int = 0
    duplicates: int = 0
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, index: int, key: str, error: Refused) -> None:
        """Notes that an item was not written."""
        short = key.encode()[: limits.ID].decode(errors="ignore")
        self.faults.append(Fault(index, short, error))


async def write(
    journal: Journal, stream: Stream, items: Sequence[Item[Draft]], check: Callable[[Draft], None]
) -> Outcome:
    """Writes the good items with one append, and says what became of each.

    Items with one key are one entry: of products the last counts, of events the first, the others being
    its duplicates. So nothing depends on the order in which the log takes the entries of one append.
    """
    outcome = Outcome()
    places: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        try:
            check(item.draft)
        except Refused as error:
            outcome.refuse(index, item.key, error)
        else:
            places.setdefault(item.key, []).append(index)
    counts = -1 if stream is Stream.CATALOG else 0
    entries = [(key, items[indexes[counts]].payload) for key, indexes in places.items()]
    results = await journal.append(stream, entries) if entries else []
    for (key, indexes), result in zip(places.items(), results, strict=True):
        if isinstance(result, Refused):
            for index in indexes:
                outcome.refuse(index, key, result)
            continue
        new = len(indexes) if stream is Stream.CATALOG else int(not result.duplicate)
        outcome.written += new
        outcome.duplicates += len(indexes) - new
    outcome.faults.sort(key=lambda fault: fault.index)
    return outcome
