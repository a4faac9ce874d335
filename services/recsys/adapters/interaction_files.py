"""Reads who took what from files, and gives users and items their numbers.

Two formats, told apart by the first sign: a line a user, `user item item ...` in time order; or one JSON
object, user -> list of baskets, each a list of items, in time order ([-1] at the ends is passed over).
Either may be gzipped, whatever its name. Ids are any words; a test file shares the ids of the first.
"""

from __future__ import annotations  # array[int] is for the type checker alone

import gzip
import json
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.recsys.domain.interactions import Interactions

_END = [-1]

Row = tuple[str, list[list[str]]]


class BadFileError(ValueError):
    """A file is not in the format; the message names file and line."""

    code = "BAD_FILE"


@dataclass(frozen=True)
class Dataset:
    """What files held. `future` is the test file's part, of the same users and items, when there is one."""

    users: list[str]
    items: list[str]
    data: Interactions
    future: Interactions | None


class Ids:
    """Names to numbers from 0, in the order they were first met: the one place where ids become numbers."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """This name's number, a new one when it is new."""
        return self.numbers.setdefault(name, len(self.numbers))

    def names(self) -> list[str]:
        """All names, by their numbers."""
        return list(self.numbers)


def read(interactions: Path, test: Path | None = None) -> Dataset:
    """Both files, numbered alike. Raises OSError, or BadFileError with file and line."""
    users, items = Ids(), Ids()
    columns = [_columns(file, users, items) for file in (interactions, test) if file]
    parts = [_interactions(*column, len(users.numbers), len(items.numbers)) for column in columns]
    return Dataset(users.names(), items.names(), parts[0], parts[1] if test else None)


def rows(file: Path) -> Iterator[Row]:
    """Each user with baskets; an item of a line is a basket of its own."""
    opener = gzip.open if _zipped(file) else open
    with opener(file, "rt", encoding="utf-8-sig") as lines:
        try:
            first = next((line for line in lines if line.strip()), "").lstrip()
            lines.seek(0)
            if first.startswith(("{", "[")):
                yield from _of_json(file, lines.read())
            else:
                yield from _of_lines(file, lines)
        except UnicodeDecodeError as error:
            raise BadFileError(f"{file}: not text: {error}") from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadFileError(f"{file}: damaged, it cannot be unzipped to its end: {error}") from None


def _zipped(file: Path) -> bool:
    """Whether it begins as gzipped files do."""
    with file.open("rb") as opened:
        return opened.read(2) == b"\x1f\x8b"


def _of_lines(file: Path, lines: Any) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        user = words[0]
        if user in seen:
            raise BadFileError(f"{file}, line {number}: user {user} stood on line {seen[user]} already")
        if "\x00" in line:
            raise BadFileError(f"{file}, line {number}: not text")
        seen[user] = number
        yield user, [[item] for item in words[1:]]


def _of_json(file: Path, text: str) -> Iterator[Row]:
    try:
        users = json.loads(text, object_pairs_hook=list)
    except json.JSONDecodeError as error:
        raise BadFileError(f"{file}, line {error.lineno}: {error.msg}") from None
    if not text.lstrip().startswith("{"):
        raise BadFileError(f"{file}: expected one JSON object, user -> list of baskets")
    seen = set()
    for user, baskets in users:
        if user in seen:
            raise BadFileError(f"{file}: user {user} stands there twice")
        seen.add(user)
        if not (isinstance(baskets, list) and all(isinstance(basket, list) for basket in baskets)):
            raise BadFileError(f"{file}, user {user}: expected a list of baskets, each a list of items")
        kept = [basket for basket in baskets if basket != _END]
        for basket in kept:
            if not all(isinstance(item, int | str) for item in basket):
                raise BadFileError(f"{file}, user {user}: an item is neither a number nor a word")
        yield user, [[str(item) for item in basket] for basket in kept]


def _columns(file: Path, users: Ids, items: Ids) -> tuple[array[int], array[int], array[int]]:
    """The lines' users, items, and baskets, as they stand in the file. Raises BadFileError for none."""
    user_of, item_of, basket_of = array("i"), array("i"), array("i")
    for user, baskets in rows(file):
        number = users.number(user)
        for basket, names in enumerate(filter(None, baskets)):
            for name in names:
                user_of.append(number)
                item_of.append(items.number(name))
                basket_of.append(basket)
    if not item_of:
        raise BadFileError(f"{file}: no interactions in it")
    return user_of, item_of, basket_of


def _interactions(
    user_of: array[int], item_of: array[int], basket_of: array[int], users: int, items: int
) -> Interactions:
    """The columns by user; where no times are known, a basket's number is its time."""
    user = np.array(user_of, np.int32)
    order = np.argsort(user, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=users))]).astype(np.int64)
    basket = np.array(basket_of, np.int32)[order]
    return Interactions(items, starts, np.array(item_of, np.int32)[order], basket, basket.astype(np.float64))
