"""What one lease becomes: the call, and what stays out of it. Pure.

The rules: a batch names no target twice (answers are keyed by target), a push that may have been sent is repeated only
within its cid's life, and never after it expired.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from config.delivery import DeliverySettings
from producers.contract import Kind
from producers.entry import Entry, MalformedEntry, read_entry

POISON_TAKE_OVERS = 7
"""A push alone in its lease that was taken over this often has ended its holders: 2 whole, 2 in halves, 3 singly."""


class RawEntry(NamedTuple):
    """One lane entry as Redis holds it. A tuple, because a lease makes hundreds."""

    header: bytes
    body: bytes
    trail: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """A range of one stream that this holder alone may call with and settle. Times are unix milliseconds of Redis."""

    token: str
    stream: str
    first_attempt_at_ms: int
    take_overs: float
    units: int
    granted_at: str
    entries: tuple[RawEntry, ...]

    @property
    def kind(self) -> Kind:
        """What the stream holds, and so which endpoint its calls go to."""
        return Kind(self.stream.rpartition(":")[2])

    @property
    def lane(self) -> str:
        """The lane of the stream."""
        return self.stream.split(":", 2)[1]


@dataclass(frozen=True, slots=True)
class Plan:
    """The entries of a lease, each in exactly one place."""

    call: tuple[Entry, ...] = ()
    left_over: tuple[Entry, ...] = ()
    """Repeated targets: the next lease takes them."""
    too_late: tuple[Entry, ...] = ()
    """They may have been sent, and sending again would no longer be safe: outcome unknown."""
    malformed: tuple[RawEntry, ...] = ()
    poison: tuple[Entry, ...] = ()
    barred: tuple[Entry, ...] = ()
    """Their targets are not in the app's allow-list."""

    def targets(self) -> list[str]:
        """Targets of the call, in the order of its body."""
        return [entry.target for entry in self.call]


def plan_call(lease: Lease, now_ms: int, settings: DeliverySettings, allow_list: frozenset[str] | None = None) -> Plan:
    """Sort the entries of `lease` at `now_ms` (Redis time)."""
    entries, malformed = _read(lease)
    if lease.take_overs >= POISON_TAKE_OVERS and len(entries) == 1:
        return Plan(poison=tuple(entries), malformed=tuple(malformed))
    # A group push has no proven cid, so that not even its first hour allows a repeat.
    cid_life_ms = 0 if lease.kind is Kind.GROUP else settings.cid_life_ms
    timely, too_late = _split_late(entries, now_ms, cid_life_ms)
    # A validation reaches nobody.
    reached = None if lease.kind is Kind.VALIDATE else allow_list
    barred = [] if reached is None else [entry for entry in timely if entry.target not in reached]
    if barred:
        timely = [entry for entry in timely if entry.target in (reached or ())]
    call, left_over = _unique_targets(timely, settings.max_batch if lease.kind.is_batch else 1)
    return Plan(tuple(call), tuple(left_over), tuple(too_late), tuple(malformed), barred=tuple(barred))


def _read(lease: Lease) -> tuple[list[Entry], list[RawEntry]]:
    entries, malformed = [], []
    for raw in lease.entries:
        try:
            entry = read_entry(raw.header, raw.body, raw.trail)
        except MalformedEntry:
            malformed.append(raw)
            continue
        entries.append(_after_take_over(entry, lease) if lease.take_overs else entry)
    return entries, malformed


def _after_take_over(entry: Entry, lease: Lease) -> Entry:
    # The dead holder may have written its request: nobody can tell.
    first = min(entry.first_attempt_at_ms or lease.first_attempt_at_ms, lease.first_attempt_at_ms)
    return entry.tried(attempts=entry.attempts, maybe_sent=True, first_attempt_at_ms=first)


def _split_late(entries: Sequence[Entry], now_ms: int, cid_life_ms: int) -> tuple[list[Entry], list[Entry]]:
    timely: list[Entry] = []
    too_late: list[Entry] = []
    for entry in entries:
        is_late = entry.maybe_sent and (
            now_ms >= entry.first_attempt_at_ms + cid_life_ms or now_ms >= entry.expires_at_ms
        )
        (too_late if is_late else timely).append(entry)
    return timely, too_late


def _unique_targets(entries: Sequence[Entry], most: int) -> tuple[list[Entry], list[Entry]]:
    call: list[Entry] = []
    left_over: list[Entry] = []
    seen: set[str] = set()
    for entry in entries:
        if entry.target in seen or len(call) == most:
            left_over.append(entry)
        else:
            seen.add(entry.target)
            call.append(entry)
    return call, left_over
