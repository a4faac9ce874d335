"""What stands in the logs, and what never does."""

import io
import json
import logging

import grpc
import pytest

from services.kit import logs
from services.kit.testing import serving
from tests.kit.echo import ask, echo_service


@pytest.fixture
def lines(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root, house = logging.getLogger(), logging.getLogger(logs.ROOT)
    before = root.handlers[:], root.level, house.level
    logs.setup("info", "echo")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    house.setLevel(before[2])


def test_a_line_is_json_with_service_level_and_time(lines):
    logs.get("here").info("a thing happened", count=3)
    (line,) = lines()
    assert {
        "event": "a thing happened",
        "count": 3,
        "service": "echo",
        "level": "info",
    }.items() <= line.items()
    assert line["logger"] == "aisle.here"
    assert line["time"].endswith("Z")


def test_levels_hold_and_libraries_come_in_the_same_shape(lines):
    logs.get("here").debug("unheard")
    logging.getLogger("nats").info("unheard")
    logging.getLogger("nats").warning("slow %s", "consumer")
    (line,) = lines()
    assert (line["event"], line["logger"], line["level"]) == ("slow consumer", "nats", "warning")


async def test_a_bug_is_logged_with_its_request_id_and_place_but_not_its_text(lines):
    async with serving(echo_service()) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(channel, "bug:anna@example.com", metadata=(("x-request-id", "r-1"),))
    written = lines()
    (bug,) = [line for line in written if line["event"] == "bug"]
    assert (bug["request_id"], bug["error"]) == ("r-1", "KeyError")
    assert "echo.py" in bug["stack"][-1]
    assert "anna" not in json.dumps(written)


async def test_a_refusal_is_not_logged_as_a_bug(lines):
    async with serving(echo_service()) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(channel, "domain")
    assert "bug" not in [line["event"] for line in lines()]


def test_the_types_of_causes_are_told():
    error = RuntimeError("anna")
    error.__cause__ = KeyError("anna")
    assert logs.bug(error) == {"error": "RuntimeError from KeyError", "stack": []}
