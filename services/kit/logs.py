"""Structured logs on stderr: JSON lines, or columns when a person watches; never a request's body."""

import logging
import sys
import traceback
from contextvars import ContextVar
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

ROOT: Final = "aisle"
MAX_FRAMES: Final = 30

request_id: ContextVar[str] = ContextVar("request_id", default="")


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for a part of the house ("kit.server"); call log.info("what happened", key=value)."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(f"{ROOT}.{name}"),
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return logger


def setup(level: str = "info", service: str = "") -> None:
    """Sends all logs of this process, libraries' too, to stderr in one shape. Call once, in main()."""

    def add_service(_: Any, __: str, event: EventDict) -> EventDict:
        return {**event, "service": service} if service else event

    person = sys.stderr.isatty()
    renderer: Processor = structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, add_service, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # libraries talk much; ours talk as asked
    logging.getLogger(ROOT).setLevel(level.upper())


def bug(error: BaseException) -> dict[str, Any]:
    """What to log of an unexpected error: types and frames, not the text: it may hold a shopper's data."""
    kinds: list[str] = []
    at = error
    while len(kinds) < 5:
        kinds.append(type(at).__name__)
        cause = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
        if cause is None:
            break
        at = cause
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return {"error": " from ".join(kinds), "stack": [f"{f.filename}:{f.lineno} {f.name}" for f in frames]}


def _add_request_id(_: Any, __: str, event: EventDict) -> EventDict:
    if current := request_id.get():
        event.setdefault("request_id", current)
    return event


_SHARED: Final[list[Processor]] = [
    _add_request_id,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
]
