"""`aisle evaluate pricing --segments NAME`: elasticities by segment, of the log or the demo shop."""

from collections import defaultdict
from typing import Any, Final

from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.log import EVENTS, Log
from services.kit.progress import Progress
from services.pricing.adapters import completejourney, whole_log
from services.pricing.analysis import households
from services.pricing.analysis.segments import Sensitivity, metrics, sensitivity
from services.pricing.domain.demand.panel import Lines
from services.pricing.train import take

SEGMENT: Final = "segment"
BEST_SELLERS: Final = 300
UNNAMED: Final = "unnamed"


def of_households(trait: str) -> dict[str, Any]:
    """Of the demo shop's 300 best sellers, in the weeks before the held-out ones.

    Raises ValueError for a trait that there is none of, ModuleNotFoundError without the package.
    """
    weeks = completejourney.read(BEST_SELLERS, before=completejourney.HELD_OUT)
    units = households.units(BEST_SELLERS, completejourney.HELD_OUT, trait)
    count = completejourney.HELD_OUT - completejourney.FIRST
    early = {name: sold[:, :count] for name, sold in units.items()}
    return _told(sensitivity(weeks.until(count), early))


async def of_events(log: Log, segments: str, progress: Progress) -> dict[str, Any]:
    """Of the log's 300 best sellers, by the segment that the events name. Raises ValueError."""
    if segments != SEGMENT:
        raise ValueError(f"no segments {segments!r} in events; there is {SEGMENT}")
    total, by_name, category = Lines(), defaultdict[str, Lines](Lines), dict[str, str]()
    async for record in whole_log.records(log, progress):
        try:
            take(record, total, category)
            if record.stream == EVENTS:
                name = event_pb2.Event.FromString(record.payload).segment or UNNAMED
                take(record, by_name[name], category)
        except DecodeError:
            continue  # the service's view tells and counts what cannot be read
    panel = total.panel(category, BEST_SELLERS)
    return _told(sensitivity(panel.weeks, {name: lines.units(panel) for name, lines in by_name.items()}))


def _told(found: Sensitivity) -> dict[str, Any]:
    return {"metrics": metrics(found), "products": found.products, "segments": len(found.names)}
