"""A hash chain: each record's hash covers its content and the hash before it, so that no change goes unseen.

Whoever changes, inserts or removes a record has to make every later hash anew, and a head (the last hash)
that was noted elsewhere tells even that. The construction is Haber & Stornetta's (1991), with SHA-256.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

GENESIS: Final = "0" * 64
"""The hash before the first record."""

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


class Link(NamedTuple):
    """A place in a chain: the first record's sequence is 1."""

    sequence: int
    hash: str


START: Final = Link(0, GENESIS)


class Verified(NamedTuple):
    """How far a chain holds: its last good link, and what is wrong with the record after it ("" for nothing).

    `noted` tells whether a head that was noted elsewhere is a link of the chain.
    """

    head: Link
    problem: str
    noted: bool

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.noted and not self.problem


def after(link: Link, content: Mapping[str, Any]) -> Link:
    """The link of a record that follows another one. The content is what JSON holds."""
    digest = hashlib.sha256(f"{link.hash}\n{_encode(content)}".encode())
    return Link(link.sequence + 1, digest.hexdigest())


def verify(records: Iterable[tuple[Link, Mapping[str, Any]]], noted: str = "") -> Verified:
    """Makes every hash anew, in the order of the sequence. Stops at the first record that does not hold."""
    head, known = START, noted in ("", GENESIS)
    for stored, content in records:
        made = after(head, content)
        if stored.sequence != made.sequence:
            return Verified(head, f"record {made.sequence} is missing", known)
        if stored.hash != made.hash:
            return Verified(head, f"record {made.sequence} was changed after it was written", known)
        head, known = made, known or made.hash == noted
    return Verified(head, "", known)
