"""Turns an imported row into a Product or an Event: names in snake_case or camelCase, nested or flat.

docs/cli.md describes the rows; the fields, their types and their names are those of the protos.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from aisle.pricing.v1 import competitor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from services.cli.formats import MAX_LINE_BYTES, BadRowError, Row

LIST_SEPARATOR = "|"  # between the values of a flat cell: "Grocery > Milk|Breakfast"
MICROS = Decimal(1_000_000)
_DETAIL_COLUMNS = ("product_id", "quantity", "price", "position")

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Item:
    """A message, or why there is none, with the first and last line it was read from."""

    line: int
    last: int
    message: Message | None
    error: BadRowError | None = None


def products(rows: Iterable[Row]) -> Iterator[Item]:
    """A Product a row."""
    for row in rows:
        yield _item(row.line, row.line, row, _product)


def events(rows: Iterable[Row]) -> Iterator[Item]:
    """An Event a row; flat rows of one message_id that follow each other are one event."""
    waiting: list[tuple[Row, dict[str, Any]]] = []
    for row in rows:
        flat = row.values is not None and _is_flat(row.values)
        values = _snake(row.values) if flat and row.values is not None else {}
        if waiting and not (flat and values.get("message_id") == waiting[0][1].get("message_id") is not None):
            yield _joined(waiting)
            waiting = []
        if flat:
            waiting.append((row, values))
        else:
            yield _item(row.line, row.line, row, _event)
    if waiting:
        yield _joined(waiting)


def _item(line: int, last: int, row: Row, build: Callable[[int, dict[str, Any]], Message]) -> Item:
    if row.values is None:
        return Item(line, last, None, row.error)
    try:
        message = build(line, row.values)
        if message.ByteSize() > MAX_LINE_BYTES:
            raise BadRowError("TOO_LARGE", f"{message.ByteSize()} bytes, more than {MAX_LINE_BYTES}")
        return Item(line, last, message)
    except BadRowError as error:
        return Item(line, last, None, error)
    except (
        ValueError,
        TypeError,
        OverflowError,
    ) as error:  # what protobuf itself refuses: a number too large
        return Item(line, last, None, BadRowError("INVALID_VALUE", str(error)))


def _product(_: int, values: dict[str, Any]) -> Message:
    values = _snake(values)
    if "image_uri" in values:
        values["images"] = [{"uri": uri} for uri in _texts(values.pop("image_uri"))]
    attributes = {name: values.pop(name) for name in list(values) if name.startswith("attributes.")}
    if attributes:
        values["attributes"] = {
            name.removeprefix("attributes."): _texts(cell) for name, cell in attributes.items()
        }
    _with_currency(values, ("price", "cost"))
    return product_pb2.Product(**_fields(product_pb2.Product.DESCRIPTOR, values))


def _event(line: int, values: dict[str, Any]) -> Message:
    values = _snake(values)
    given = values.get("message_id")
    if given is None or given == "":
        values["message_id"] = _made_id(line, values)
    for detail in values.get("product_details") or ():
        if isinstance(detail, dict):
            _with_currency(detail, ("price",))
    return event_pb2.Event(**_fields(event_pb2.Event.DESCRIPTOR, values))


def competitor_price(values: dict[str, Any]) -> competitor_pb2.CompetitorPrice:
    """A row of competitors' prices. Raises BadRowError."""
    values = _snake(values)
    _with_currency(values, ("price",))
    return competitor_pb2.CompetitorPrice(**_fields(competitor_pb2.CompetitorPrice.DESCRIPTOR, values))


def _made_id(line: int, values: Mapping[str, Any]) -> str:
    """The same for the same row at the same line, so that a file read again doubles nothing."""
    content = json.dumps(values, sort_keys=True, default=str)
    return "row-" + hashlib.sha256(f"{line}\n{content}".encode("utf-8", "replace")).hexdigest()[:32]


def _is_flat(values: Mapping[str, Any]) -> bool:
    return "product_id" in values or "productId" in values


def _joined(waiting: list[tuple[Row, dict[str, Any]]]) -> Item:
    line, last = waiting[0][0].line, waiting[-1][0].line
    head = dict(waiting[0][1])
    details = []
    for _, values in waiting:
        detail = {name: values[name] for name in (*_DETAIL_COLUMNS, "currency") if name in values}
        details.append(detail)
    for name in (*_DETAIL_COLUMNS, "currency"):
        head.pop(name, None)
    head["product_details"] = details
    return _item(line, last, Row(line, head), _event)


def _with_currency(values: dict[str, Any], names: Iterable[str]) -> None:
    """price=3.99, currency=USD -> the Money message."""
    currency = values.pop("currency", None)
    for name in names:
        amount = values.get(name)
        if amount is not None and not isinstance(amount, dict):
            values[name] = {"currency_code": currency or "", "amount_micros": _micros(amount, name)}


def _micros(amount: Any, field: str) -> int:
    try:
        micros = Decimal(str(amount).strip()) * MICROS
        if micros.is_finite() and micros == micros.to_integral_value():
            return int(micros)
    except InvalidOperation:
        pass
    raise BadRowError("INVALID_VALUE", f"{amount!r} is not an amount of money", field)


def _texts(cell: Any) -> list[Any]:
    if isinstance(cell, str):
        return [part.strip() for part in cell.split(LIST_SEPARATOR) if part.strip()]
    return list(cell) if isinstance(cell, list | tuple) else [cell]


def _snake(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_snake_name(name): value for name, value in values.items() if value is not None}


@cache
def _snake_name(name: str) -> str:
    if name.startswith("attributes."):
        return name
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _fields(descriptor: Descriptor, values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """The keyword arguments of a message's constructor. Raises BadRowError with the field's path."""
    known = _converters(descriptor)
    made: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        convert = known.get(name) or known.get(_snake_name(str(name)))
        if convert is None:
            raise BadRowError("INVALID_VALUE", f"no such field: {name}", path + str(name))
        try:
            made[_snake_name(name)] = convert(value)
        except BadRowError as error:
            raise BadRowError(error.reason, str(error), f"{path}{name}.{error.field}".rstrip(".")) from None
        except (ValueError, TypeError, OverflowError, binascii.Error) as error:
            raise BadRowError(
                "INVALID_VALUE", str(error) or f"{value!r} is not allowed", path + name
            ) from None
    return made


@cache
def _converters(descriptor: Descriptor) -> dict[str, Convert]:
    return {field.name: _converter(field) for field in descriptor.fields}


def _converter(field: FieldDescriptor) -> Convert:
    single = _single(field)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return lambda value: {str(name): _attribute(cell) for name, cell in _pairs(value)}
    if field.is_repeated:
        return lambda value: [single(one) for one in _texts(value)]
    return single


def _attribute(cell: Any) -> Any:
    cell = cell if isinstance(cell, dict) else {"texts": _texts(cell)}
    return product_pb2.AttributeValues(**_fields(product_pb2.AttributeValues.DESCRIPTOR, cell))


def _pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    """The entries of a JSON object, or of Arrow's map type."""
    if isinstance(value, dict):
        return [(name, cell) for name, cell in value.items() if cell is not None]
    if isinstance(value, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        return value
    raise ValueError("must be an object of names and lists of texts")


def _single(field: FieldDescriptor) -> Convert:
    if field.enum_type is not None:
        names = field.enum_type
        return lambda value: _enum(names, value)
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return _time
        inner = field.message_type
        return lambda value: _fields(inner, _object(value))
    return _SCALARS[field.cpp_type] if field.type != FieldDescriptor.TYPE_BYTES else _bytes


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be an object, not {value!r}")
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):  # ids are often numbers in tables
        return str(value)
    raise ValueError(f"must be a text, not {value!r}")


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(f"must be a whole number, not {value!r}")
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {value!r}")
    return float(value)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else base64.b64decode(_text(value), validate=True)


def _enum(names: EnumDescriptor, value: Any) -> int:
    """ORDER_COMPLETED, EVENT_TYPE_ORDER_COMPLETED, "Order Completed" or the number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    word = _text(value).strip().upper().replace(" ", "_").replace("-", "_")
    prefix = names.values[0].name.removesuffix("UNSPECIFIED")
    known = names.values_by_name.get(word) or names.values_by_name.get(prefix + word)
    if known is None:
        raise ValueError(f"{value!r} is no {names.name}")
    return int(known.number)


def _time(value: Any) -> dict[str, int]:
    """RFC 3339 text, a date-time (UTC when it has no zone), or seconds since 1970."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime):
        since = (value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH
        return {"seconds": since.days * 86_400 + since.seconds, "nanos": since.microseconds * 1_000}
    seconds = Decimal(str(_number(value)))
    whole = int(seconds // 1)
    return {"seconds": whole, "nanos": int((seconds - whole) * 1_000_000_000)}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCALARS: Mapping[int, Convert] = {
    FieldDescriptor.CPPTYPE_STRING: _text,
    FieldDescriptor.CPPTYPE_INT32: _whole,
    FieldDescriptor.CPPTYPE_INT64: _whole,
    FieldDescriptor.CPPTYPE_FLOAT: _number,
    FieldDescriptor.CPPTYPE_DOUBLE: _number,
}
