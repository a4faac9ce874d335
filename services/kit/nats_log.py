"""The log in NATS JetStream: four streams, one subject a key, acknowledged before an append returns."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from services.kit import logs
from services.kit.errors import ServiceError
from services.kit.log import BATCH, CATALOG, EVENTS, LAST_KEPT, SLATE_DAYS, SLATES, Ack, Entry, Record

ACK_TIMEOUT = 5.0
"""Seconds an append waits for the log before it answers LOG_UNAVAILABLE."""

IDLE_CHECK = 2.0
"""Seconds of silence after which a reader asks the server whether it missed something."""

_STORE_FAILED = 10077  # JetStream's code for a store that refuses; the description tells why
_NO_RESOURCES = 10023
_UNSERVED = "Nats-Pending-Messages"  # on the end of a request: what it asked for and did not get
_REQUEST_OVER = ("404", "408")  # a request ended by itself; any other status is the consumer's end
_EXPIRES_NS = 30_000_000_000

_logger = logs.get(__name__)


class NatsLog:
    """The log behind a NATS address. One instance a process; safe to share between tasks."""

    def __init__(self, url: str, prefix: str = "", replicas: int = 1, name: str = "log") -> None:
        self.name = name
        self._url = url
        self._prefix = prefix
        self._replicas = replicas
        self._client: Client | None = None
        self._context: JetStreamContext | None = None

    async def start(self) -> None:
        """Connects, for as long as it takes, and creates the streams that are not there."""
        told = False
        while True:
            try:
                await self._connect()
                return
            except (NatsError, OSError, TimeoutError) as error:
                await self.close()
                if not told:
                    _logger.warning("log.unavailable", error=type(error).__name__)
                    told = True
                await asyncio.sleep(0.5)

    async def _connect(self) -> None:
        self._client = await nats.connect(
            self._url,
            connect_timeout=2,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            ping_interval=10,
            error_cb=_on_error,
        )
        self._context = self._client.jetstream(timeout=ACK_TIMEOUT)
        for stream in sorted(LAST_KEPT):
            await self._create(stream, max_msgs_per_subject=1)
        # One message a subject, and the newer is refused: a message id is unique for ever, not for a window.
        once = {
            "max_msgs_per_subject": 1,
            "discard": api.DiscardPolicy.NEW,
            "discard_new_per_subject": True,
        }
        await self._create(EVENTS, **once)
        await self._create(SLATES, max_age=SLATE_DAYS * 86_400.0, **once)

    async def _create(self, stream: str, **options: Any) -> None:
        name = self._prefix + stream
        try:
            await self._js.stream_info(name)
        except NotFoundError:
            config = api.StreamConfig(
                name=name,
                subjects=[f"{name}.*"],
                storage=api.StorageType.FILE,
                num_replicas=self._replicas,
                **options,
            )
            await self._js.add_stream(config)

    @property
    def _js(self) -> JetStreamContext:
        if self._context is None or self._client is None or not self._client.is_connected:
            raise ServiceError("LOG_UNAVAILABLE", "the log does not answer")
        return self._context

    async def ping(self) -> None:
        """See Log.ping."""
        await self.end(CATALOG)

    async def close(self) -> None:
        """See Log.close."""
        client, self._client, self._context = self._client, None, None
        if client is not None and not client.is_closed:
            # What is told to a server that is gone is lost with it: nothing waits for it here.
            with suppress(OSError):
                await client.close()

    async def end(self, stream: str) -> int:
        """See Log.end."""
        try:
            info = await self._js.stream_info(self._prefix + stream)
        except (NatsError, OSError, TimeoutError) as error:
            raise ServiceError("LOG_UNAVAILABLE", "the log does not answer") from error
        return int(info.state.last_seq)

    async def append(self, entries: Sequence[Entry]) -> list[Ack | ServiceError]:
        """See Log.append."""
        return list(await asyncio.gather(*(self._append(entry) for entry in entries)))

    async def _append(self, entry: Entry) -> Ack | ServiceError:
        try:
            ack = await self._js.publish(f"{self._prefix}{entry.stream}.{_token(entry.key)}", entry.payload)
        except APIError as error:
            return _refused(error)
        except ServiceError as error:
            return error
        except nats.errors.MaxPayloadError:
            return ServiceError("TOO_LARGE", "the log takes no message that large")
        except (NatsError, OSError, TimeoutError):
            return ServiceError("LOG_UNAVAILABLE", "the log did not acknowledge")
        return Ack(ack.seq, bool(ack.duplicate))

    async def read(self, stream: str, after: int) -> AsyncIterator[list[Record]]:
        """See Log.read."""
        while True:
            try:
                async for batch in self._read(stream, after):
                    after = batch[-1].sequence
                    yield batch
            except (ServiceError, NatsError, OSError, TimeoutError) as error:
                _logger.warning("log.read_again", stream=stream, after=after, error=type(error).__name__)
                await asyncio.sleep(0.2)

    async def _read(self, stream: str, after: int) -> AsyncIterator[list[Record]]:
        """Reads until a message is missing or the consumer is lost; the caller then begins anew."""
        queue: asyncio.Queue[Msg] = asyncio.Queue()  # holds what was asked for, two batches at most
        async with self._consumer(stream, after, queue) as ask:
            asked = delivered = 0
            while True:
                if asked <= BATCH:
                    await ask()
                    asked += BATCH
                try:
                    messages = [await asyncio.wait_for(queue.get(), IDLE_CHECK)]
                except TimeoutError:
                    # A restarted server forgets its consumers without a word.
                    if await self.end(stream) > after:
                        return
                    continue
                while len(messages) < BATCH and not queue.empty():
                    messages.append(queue.get_nowait())
                told = [message for message in messages if message.headers and "Status" in message.headers]
                messages = [message for message in messages if message not in told]
                asked -= len(messages) + sum(int((each.headers or {}).get(_UNSERVED, 0)) for each in told)
                if any((each.headers or {})["Status"] not in _REQUEST_OVER for each in told):
                    return
                if not messages:
                    continue
                delivered += len(messages)
                if messages[-1].metadata.sequence.consumer != delivered:
                    return  # something between us and the server was dropped
                batch = [_record(stream, message) for message in messages]
                after = batch[-1].sequence
                yield batch

    @asynccontextmanager
    async def _consumer(
        self, stream: str, after: int, queue: asyncio.Queue[Msg]
    ) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """A consumer of our own that fills the queue; call what it gives to ask for one batch more.

        Asking keeps a slow reader's memory bounded. The client library's own fetch waits for whole batches.
        """
        context, client, name = self._js, self._client, self._prefix + stream
        assert client is not None
        consumer = await context.add_consumer(
            name,
            api.ConsumerConfig(
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=after + 1,
                ack_policy=api.AckPolicy.NONE,
                mem_storage=True,
                inactive_threshold=60,
            ),
        )
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=queue.put)
        request = json.dumps({"batch": BATCH, "expires": _EXPIRES_NS}).encode()

        async def ask() -> None:
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{name}.{consumer.name}", request, reply=inbox)

        try:
            yield ask
        finally:
            try:
                await subscription.unsubscribe()
                await context.delete_consumer(name, consumer.name)
            except (NatsError, OSError, TimeoutError):
                _logger.debug("log.consumer_gone", stream=stream)


async def _on_error(error: Exception) -> None:
    _logger.warning("log.connection", error=type(error).__name__)


def _refused(error: APIError) -> Ack | ServiceError:
    description = (error.description or "").lower()
    if error.err_code == _STORE_FAILED and "per subject" in description:
        return Ack(sequence=0, duplicate=True)
    if error.err_code in (_NO_RESOURCES, _STORE_FAILED) or error.code == 507:
        return ServiceError("LOG_FULL", "the log has no room left")
    return ServiceError("LOG_UNAVAILABLE", "the log refused to write")


def _record(stream: str, message: Msg) -> Record:
    metadata = message.metadata
    key = _key(message.subject.rpartition(".")[2])
    return Record(stream, metadata.sequence.stream, key, message.data, metadata.timestamp)


def _token(key: str) -> str:
    """A key as one token of a subject: any text, without the characters that subjects give a meaning."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _key(token: str) -> str:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
