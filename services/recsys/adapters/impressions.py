"""Reads from the log which lists shoppers were shown, and what they did with them."""

from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.log import EVENTS, Log
from services.kit.progress import Progress
from services.kit.reading import done_at, read_stream, request_of
from services.recsys.adapters.slates import RESPONSES
from services.recsys.domain.exploration.responses import Done
from services.recsys.domain.impressions import LISTS, Impression, Viewed, join
from services.recsys.domain.signals import shopper_keys


async def read_impressions(log: Log, progress: Progress) -> list[Impression]:
    """All lists with a token and a list_id of LISTS, in order of time."""
    viewed: list[Viewed] = []
    done: list[Done] = []
    async for record in read_stream(log, EVENTS, progress):
        try:
            event = event_pb2.Event.FromString(record.payload)
        except DecodeError:
            continue  # the view tells and counts what cannot be read
        request_id = request_of(event.attribution_token) if event.attribution_token else ""
        keys = shopper_keys(event.user_id, event.visitor_id)
        if not request_id or not keys:
            continue
        time = done_at(event, record)
        if event.type == event_pb2.EVENT_TYPE_PRODUCT_LIST_VIEWED and event.list_id in LISTS:
            items = [(detail.product_id, detail.position) for detail in event.product_details]
            viewed.append(Viewed(request_id, event.list_id, keys[0], time, items))
        elif event.type in RESPONSES:
            done += (Done(request_id, detail.product_id, time) for detail in event.product_details)
    return join(viewed, done)
