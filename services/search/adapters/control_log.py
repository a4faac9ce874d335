"""Writes the merchant's controls to the log, and waits until searches here follow them."""

from aisle.search.v1 import control_pb2

from services.kit.following import Following
from services.kit.log import CONTROLS, Entry, Log


class ControlLog:
    """The one way in which a control changes; the view learns it from the log like every replica."""

    def __init__(self, log: Log, following: Following) -> None:
        self._log = log
        self._following = following

    async def write(self, control_id: str, change: control_pb2.ControlChange) -> None:
        """Appends a change and waits for the view. Raises ServiceError: LOG_UNAVAILABLE, LOG_FULL."""
        entry = Entry(CONTROLS, control_id, change.SerializeToString(deterministic=True))
        (ack,) = await self._log.append([entry])
        if isinstance(ack, Exception):
            raise ack
        await self._following.follower.wait_for(CONTROLS, ack.sequence)
