"""Letters: pushes that a person decides about, read from the streams that keep them.

`dead` holds what failed for good and was never sent, malformed entries, and *poison*: pushes that ended seven holders
of their lease. `asked` holds pushes with an unknown outcome, whose bodies were kept for that decision.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from .connection import DeadlineRedis
from .contract import Kind, Lane
from .entry import Entry, MalformedEntry, read_entry
from .profiles import as_mapping

PER_CHUNK = 100
POISON = "poison"
_STREAM = re.compile(f"[a-z]+:({'|'.join(Lane)}):({'|'.join(Kind)})")
_LETTER_ID = re.compile(r"\d{1,20}-\d{1,20}")
_SHOWN_BY = b"1"
"""The one version of a header that says that the body may be shown."""


class Shelf(StrEnum):
    """Which letters. The value is also the name of their stream."""

    DEAD = "dead"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters of a shelf: all that are given must hold. Moments need a time zone; both ends belong to it."""

    code: int | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, letter: "Letter") -> bool:
        """Whether code and reason agree; the moments are looked up by the stream itself."""
        return self.code in (None, letter.code) and self.reason in (None, letter.reason)


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. `push_id` is empty when the entry is malformed; `code` is the vendor's, 0 without one.

    Its parts as they stand in the stream hold the target and the body: they are for a replay, not to be shown.
    """

    letter_id: str
    push_id: str
    reason: str
    code: int
    lane: Lane | None
    kind: Kind | None
    header: bytes = field(repr=False)
    raw_body: bytes = field(repr=False)
    trail: bytes = field(repr=False)
    entry: Entry | None = field(repr=False)

    @classmethod
    def read(cls, letter_id: bytes, parts: Any) -> Self:
        """From one entry of a stream; whatever stands there is a letter."""
        fields = as_mapping(parts)
        header, body, trail = (fields.get(name, b"") for name in (b"h", b"b", b"r"))
        stream = _STREAM.fullmatch(_text(fields, b"stream"))
        push_id, code = _text(fields, b"id"), _text(fields, b"code")
        return cls(
            letter_id.decode(),
            push_id,
            _text(fields, b"reason"),
            int(code) if code.isdecimal() else 0,
            Lane(stream[1]) if stream else None,
            Kind(stream[2]) if stream else None,
            header,
            body,
            trail,
            _entry(header, body, trail, push_id),
        )

    @property
    def at(self) -> datetime:
        """When the letter was written."""
        return datetime.fromtimestamp(int(self.letter_id.partition("-")[0]) / 1000, UTC)

    @property
    def target(self) -> str:
        """The whole target; empty when it cannot be read."""
        return self.entry.target if self.entry else ""

    @property
    def is_sensitive(self) -> bool:
        """Whether the body is shown to nobody: its sender said so, or its header does not say otherwise."""
        return not self.header.startswith(_SHOWN_BY)

    @property
    def body(self) -> str | None:
        """The body as text; None when it is sensitive."""
        return None if self.is_sensitive else self.raw_body.decode(errors="replace")

    @property
    def maybe_sent(self) -> bool:
        """Whether a device may have got it already."""
        return self.entry is not None and self.entry.maybe_sent


def _text(fields: dict[bytes, bytes], name: bytes) -> str:
    return fields.get(name, b"").decode(errors="replace")


def _entry(header: bytes, body: bytes, trail: bytes, push_id: str) -> Entry | None:
    try:
        entry = read_entry(header, body, trail)
    except MalformedEntry:
        return None
    return entry if entry.push_id == push_id else None


def is_letter_id(text: str) -> bool:
    """Whether `text` has the form of a letter id, such as 1800000000000-0."""
    return _LETTER_ID.fullmatch(text) is not None


def one_letter(redis: DeadlineRedis, stream: str, letter_id: str) -> Letter | None:
    """The letter of that id. Raises `Unanswered` or `Refused`."""
    found = redis.call("XRANGE", stream, letter_id, letter_id)
    return Letter.read(*found[0]) if found else None


def newest_first(redis: DeadlineRedis, stream: str, wanted: Filter) -> Iterator[Letter]:
    """Letters of a stream, a hundred at a time. Those that are written or go meanwhile do not disturb.

    Raises `Unanswered` or `Refused`.
    """
    newest, oldest = _bound(wanted.until, "+"), _bound(wanted.since, "-")
    while chunk := redis.call("XREVRANGE", stream, newest, oldest, "COUNT", PER_CHUNK):
        for letter_id, parts in chunk:
            letter = Letter.read(letter_id, parts)
            if wanted.takes(letter):
                yield letter
        newest = "(" + chunk[-1][0].decode()


def _bound(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else str(max(0, int(moment.timestamp() * 1000)))
