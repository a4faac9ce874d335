"""Reads the log to its end: the catalogue as it is, and all that shoppers did."""

from google.protobuf.message import DecodeError

from services.kit.log import CATALOG, EVENTS, Log
from services.kit.progress import Progress
from services.recsys.adapters.messages import change_of, signal_of
from services.recsys.domain.catalogue import Product
from services.recsys.domain.history import History, Recorder
from services.recsys.domain.signals import TASTE


async def read_products(log: Log, progress: Progress) -> list[Product]:
    """Every product in the catalogue."""
    products: dict[str, Product | None] = {}
    end, at = await log.end(CATALOG), 0
    while at < end:
        async for records in log.read(CATALOG, at):
            for record in records:
                try:
                    product_id, product = change_of(record)
                    products[product_id] = product
                except (DecodeError, ValueError):
                    continue  # the view tells and counts what cannot be read
            at = records[-1].sequence
            progress("reading products", min(at, end), end)
            if at >= end:
                break
    return [product for product in products.values() if product]


async def read_history(log: Log, progress: Progress) -> History:
    """Everything that shoppers did up to now."""
    recorder = Recorder()
    end, at = await log.end(EVENTS), 0
    while at < end:
        async for records in log.read(EVENTS, at):
            for record in records:
                try:
                    signal = signal_of(record)
                except (DecodeError, ValueError):
                    continue
                if signal is not None and signal.kind in TASTE:
                    recorder.add(signal)
            at = records[-1].sequence
            progress("reading events", min(at, end), end)
            if at >= end:
                break
    return recorder.history()
