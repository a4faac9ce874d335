"""Each published reason through a real channel, and what a caller never learns."""

import re
from pathlib import Path

import grpc
import pytest
from aisle.catalog.v1 import error_reason_pb2
from google.rpc import error_details_pb2, status_pb2

from services.kit import errors
from services.kit.errors import STATUS_OF_REASON, ServiceError, field_of, reason_of
from services.kit.testing import serving
from tests.kit.echo import ask, echo_service

ROOT = Path(__file__).parents[2]
DOCUMENTED = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_]+) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
PUBLISHED = [name.removeprefix("ERROR_REASON_") for name in error_reason_pb2.ErrorReason.keys()[1:]]


async def refused(query: str) -> grpc.aio.AioRpcError:
    async with serving(echo_service()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, query)
    return caught.value


def test_the_proto_the_code_and_the_docs_list_the_same_reasons():
    assert [reason for reason, _ in DOCUMENTED] == PUBLISHED == list(STATUS_OF_REASON)


def test_the_proto_s_comment_names_the_status_of_each_reason():
    text = (ROOT / "protos/aisle/catalog/v1/error_reason.proto").read_text()
    said = re.findall(r"([A-Z_]+)\.\n  ERROR_REASON_([A-Z_]+) =", text)
    assert {reason: status for status, reason in said} == {r: s.name for r, s in STATUS_OF_REASON.items()}


@pytest.mark.parametrize(("reason", "status"), [row for row in DOCUMENTED if row[0] != "INTERNAL"])
async def test_a_refusal_reaches_the_caller_with_status_reason_and_field(reason, status):
    error = await refused(f"refuse:{reason}")
    assert error.code().name == status
    assert (reason_of(error), field_of(error)) == (reason, "query")
    assert error.details() == f"refused with {reason}"


async def test_a_domain_s_own_error_is_translated():
    error = await refused("domain")
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_VALUE")


@pytest.mark.parametrize("query", ["bug:card 4111", "refuse:INTERNAL", "refuse:NO_SUCH_REASON"])
async def test_the_text_of_a_bug_never_reaches_the_caller(query):
    error = await refused(query)
    request_id = dict(error.trailing_metadata())["x-request-id"]
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert error.details() == f"internal error; request {request_id}"
    assert "4111" not in str(error)
    assert b"4111" not in dict(error.trailing_metadata())[errors.DETAILS_KEY]


async def test_details_name_the_domain_and_the_request():
    error = await refused("refuse:CONFLICT")
    trailers = dict(error.trailing_metadata())
    info, request = status_pb2.Status.FromString(trailers[errors.DETAILS_KEY]).details
    assert error_details_pb2.ErrorInfo.FromString(info.value).domain == "aisle"
    assert error_details_pb2.RequestInfo.FromString(request.value).request_id == trailers["x-request-id"]


async def test_bytes_that_are_no_message_are_refused():
    async with serving(echo_service()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/aisle.search.v1.SearchService/Search")(b"\xff\xff\xff")
    assert (caught.value.code(), reason_of(caught.value)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_VALUE",
    )


async def test_an_answer_of_the_wrong_type_is_a_bug():
    async def wrong(request, context):
        return "4111"

    async with serving(echo_service(wrong)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, "x")
    assert reason_of(caught.value) == "INTERNAL"
    assert "4111" not in str(caught.value)


async def test_an_error_without_our_details_has_no_reason():
    async with serving(echo_service()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/aisle.search.v1.SearchService/NoSuchMethod")(b"")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert (reason_of(caught.value), field_of(caught.value)) == ("", "")


def test_an_unpublished_reason_cannot_be_raised():
    with pytest.raises(KeyError):
        ServiceError("NO_SUCH_REASON", "no")


def test_a_library_s_error_with_some_reason_is_a_bug():
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xff".decode()
    assert caught.value.reason == "invalid start byte"
    assert errors.refusal_of(caught.value) is None


def test_reasons_have_their_value_in_the_proto():
    assert errors.enum_of("OVERLOADED") == error_reason_pb2.ERROR_REASON_OVERLOADED
