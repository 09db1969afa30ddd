"""The format of one lane entry: a header, a body, and a trail once it was tried.

Header ``h``, text: ``version · expires_at 11 hex digits of ms · push_id 24 · target``; version ``1``, or ``2`` when the
body is sensitive. The scripts read the expiry at its fixed place and never look into the body. Body ``b``: the JSON
that goes to the API. Trail ``r``, only for derived ids, bodies with a time to live, and retried entries: ``slot
reference 15 · attempts 2 · attempts before the last replay 2 · maybe_sent 0/1 · first_attempt_at 11 hex · queued_at 11
hex``.
"""

import re
from typing import NamedTuple

from . import ids
from .encoding import time_to_live_of, with_time_to_live

VERSION = "1"
SENSITIVE = "2"
MAX_ATTEMPTS_KEPT = 99

_BASE32 = "[0-9a-hjkmnp-tv-z]"
_REF = _BASE32 + "{12}[0-3]" + _BASE32 + "{2}"
_HEADER = re.compile(
    "([12])([0-9a-f]{11})((?:k" + _BASE32 + "{23})|(?:[0-9a-j]" + _BASE32 + "{8}" + _REF + "))(.+)", re.DOTALL
)
_TRAIL = re.compile("(" + _REF + ")([0-9]{2})([0-9]{2})([01])([0-9a-f]{11})([0-9a-f]{11})")


class MalformedEntry(ValueError):
    """A lane entry that no producer of this contract version can have written."""


class Entry(NamedTuple):
    """One pending push as a lease hands it out. Times are unix milliseconds of Redis.

    A tuple, because a lease makes hundreds.
    """

    push_id: str
    target: str
    body: bytes
    expires_at_ms: int
    ref: str
    attempts: int = 0
    maybe_sent: bool = False
    first_attempt_at_ms: int = 0
    spent: int = 0
    """Attempts before the last replay; they count in the outcome, not against the limit."""
    queued_at_ms: int = 0
    """When it was enqueued; only kept for a body with a time to live."""
    is_sensitive: bool = False

    def header(self) -> bytes:
        """The header as it stands in a stream."""
        version = SENSITIVE if self.is_sensitive else VERSION
        return f"{version}{self.expires_at_ms:011x}{self.push_id}{self.target}".encode()

    def trail(self) -> bytes:
        """The trail as it stands in a stream."""
        attempts, spent = min(self.attempts, MAX_ATTEMPTS_KEPT), min(self.spent, MAX_ATTEMPTS_KEPT)
        times = f"{self.first_attempt_at_ms:011x}{self.queued_at_ms:011x}"
        return f"{self.ref}{attempts:02d}{spent:02d}{int(self.maybe_sent)}{times}".encode()

    def body_at(self, now_ms: int) -> bytes:
        """The body as it goes out at `now_ms`: its time to live is shortened by the time spent queueing.

        A time to live of 0 (only devices that are online, grade W) stays 0; any other keeps at least one second.
        """
        lifetime = time_to_live_of(self.body) if self.queued_at_ms else None
        if not lifetime:
            return self.body
        return with_time_to_live(self.body, max(1, lifetime - (now_ms - self.queued_at_ms) // 1000))

    def tried(self, *, attempts: int, maybe_sent: bool, first_attempt_at_ms: int) -> "Entry":
        """The same push after one more attempt."""
        return self._replace(attempts=attempts, maybe_sent=maybe_sent, first_attempt_at_ms=first_attempt_at_ms)


def read_entry(header: bytes, body: bytes, trail: bytes = b"") -> Entry:
    """Read what a lease returned. Raises `MalformedEntry`; the entry then goes to the dead letters."""
    try:
        match = _HEADER.fullmatch(header.decode())
    except UnicodeDecodeError as error:
        raise MalformedEntry("the header of a lane entry is not UTF-8") from error
    if match is None or not body:
        raise MalformedEntry("lane entry has an unknown form")
    version, expires_at, push_id, target = match.groups()
    expires_at_ms, is_sensitive = int(expires_at, 16), version == SENSITIVE
    if not trail:
        if ids.is_derived(push_id):
            raise MalformedEntry("a derived push id needs a trail that names its slot")
        return Entry(push_id, target, body, expires_at_ms, ids.slot_ref(push_id), is_sensitive=is_sensitive)
    return _with_trail(Entry(push_id, target, body, expires_at_ms, "", is_sensitive=is_sensitive), trail)


def _with_trail(entry: Entry, trail: bytes) -> Entry:
    match = _TRAIL.fullmatch(trail.decode(errors="replace"))
    if match is None:
        raise MalformedEntry("the trail of a lane entry has an unknown form")
    ref, attempts, spent, maybe_sent, first_attempt_at, queued_at = match.groups()
    return entry._replace(
        ref=ref,
        attempts=int(attempts),
        maybe_sent=maybe_sent == "1",
        first_attempt_at_ms=int(first_attempt_at, 16),
        spent=int(spent),
        queued_at_ms=int(queued_at, 16),
    )
