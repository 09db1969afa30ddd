"""What `settle` is told: the outcome of every entry of one lease. Pure, but for the encoding of its arguments."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from config.delivery import DeliverySettings
from producers import ids
from producers.contract import Kind, Lane
from producers.encoding import with_cid
from producers.entry import Entry
from producers.errors import shortened
from producers.outcomes import SLOT_BYTES, Slot, State

from .api import BatchAnswer, ErrorClass, Fault, SingleAnswer
from .planner import Lease, Plan, RawEntry
from .retry import Again, Dead, Rejected, Unknown, Verdict, judge

MISSING = Fault(ErrorClass.AMBIGUOUS, None, 200, "the answer does not mention this target", maybe_sent=True)
MSG_ID_DIGITS = 20
"""Of the largest number that a slot can hold."""
MSG_ID_SHOWN = 100
GATE_THROTTLED_MS = 1_000
GROUP_REFUSED_DELAY_MS = 60_000
"""No gate keeps back a group push whose own credentials are refused."""
RESENT_SUFFIX = "-again"
RESENT = re.compile(rb'"cid":"[^"]*-(?:again|[0-9]{2})"')
"""A second cid: given here, or by a replay."""
TAIL_LENGTH = 96
"""Bytes at the end of a body that hold the whole cid."""
CODE_BARRED = 1
"""Our own code, below all of the vendor's: the allow-list of the app bars the target."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that needs a person, as it stood in its stream."""

    push_id: str
    entry: RawEntry
    reason: str
    code: int = 0


@dataclass(slots=True)
class Settlement:
    """Collects the outcomes of one lease; every entry of the lease ends in exactly one of its lists."""

    lease: Lease
    now_ms: int
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: list[tuple[str, int, bytes]] = field(default_factory=list)
    """Bucket, slot index and the 16 bytes of each push that has an outcome."""
    retries: list[Again] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    unused_units: int = 0
    throttled: int = 0
    called: int = 0
    counted_at_ms: int = 0
    """The latest moment at which the API can have counted the call against the quota; 0 without a call."""
    closes_gate: bool = False
    """The API refused these credentials."""
    benches: bool = False
    """The API refuses the address of this worker."""
    lacking: dict[int, str] = field(default_factory=dict)
    """Vendor code → its message, for what an operator must complete in the vendor's console."""
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Push id → what fits into no slot."""
    asked: list[DeadLetter] = field(default_factory=list)
    """Unknown pushes whose bodies are kept for a person to decide."""
    messages: dict[int, str] = field(default_factory=dict)
    """Vendor code → its message, for the refusals in this settlement."""

    def outcome(self, entry: Entry, state: State, *, code: int = 0) -> None:
        """Record an outcome for good."""
        self._record(entry, state, Slot(state, entry.attempts, code, 0, self.now_ms // 1000))

    def accepted(self, entry: Entry, msg_id: str) -> None:
        """Record that the API took the push in the call of this lease."""
        number = int(msg_id) if msg_id.isdecimal() and len(msg_id) <= MSG_ID_DIGITS else 0
        if not number and msg_id:
            self.details[entry.push_id] = {"msg_id": msg_id[:MSG_ID_SHOWN]}
        self._record(entry, State.ACCEPTED, Slot(State.ACCEPTED, entry.attempts + 1, 0, number, self.now_ms // 1000))

    def _record(self, entry: Entry, state: State, slot: Slot) -> None:
        bucket, index = ids.split_ref(entry.ref)
        self.outcomes.append((bucket, index, slot.pack()))
        self.counts[state.word] += 1

    def bury(self, entry: Entry, reason: str, code: int) -> None:
        """Send a push to the dead letters; its slot says so."""
        self.outcome(entry, State.DEAD, code=code)
        self.dead.append(_letter(entry, reason, code))

    @property
    def throttle_level(self) -> int:
        """0 nothing was throttled, 1 part of the call, 2 most of it."""
        if not self.throttled:
            return 0
        return 2 if self.throttled * 2 > self.called else 1

    def slot_runs(self) -> list[tuple[str, int, bytes]]:
        """The outcomes as few writes as possible: consecutive slots of a bucket become one."""
        runs: list[tuple[str, int, list[bytes]]] = []
        for bucket, index, raw in sorted(self.outcomes):
            if runs and runs[-1][0] == bucket and runs[-1][1] + len(runs[-1][2]) == index:
                runs[-1][2].append(raw)
            else:
                runs.append((bucket, index, [raw]))
        return [(bucket, first * SLOT_BYTES, b"".join(parts)) for bucket, first, parts in runs]


@dataclass(frozen=True, slots=True)
class Judge:
    """Turns answers into settlements by one set of numbers."""

    settings: DeliverySettings
    rng: Random

    def open(self, lease: Lease, plan: Plan, now_ms: int) -> Settlement:
        """A settlement that already holds what the plan kept out of the call."""
        settlement = Settlement(lease, now_ms)
        for entry in plan.too_late:
            self._unknown(settlement, entry, 0)
        for entry in plan.left_over:
            settlement.retries.append(Again(entry, 0))
        for raw in plan.malformed:
            settlement.dead.append(DeadLetter("", raw, "malformed"))
            # No producer counted it in; counted here, it does not unbalance the books.
            settlement.counts["enqueued"] += 1
        for entry in plan.barred:
            settlement.outcome(entry, State.REJECTED, code=CODE_BARRED)
            settlement.messages[CODE_BARRED] = "the target is not in the allow-list of this app"
        for entry in plan.poison:
            settlement.bury(entry, "poison", 0)
        settlement.unused_units = lease.units - len(plan.call)
        return settlement

    def not_called(self, settlement: Settlement, entries: Sequence[Entry]) -> None:
        """The call was not made: everything goes back at once, and so do its units."""
        settlement.retries += [Again(entry, 0) for entry in entries]
        settlement.unused_units += len(entries)

    def answer(self, settlement: Settlement, entries: Sequence[Entry], answer: BatchAnswer | SingleAnswer) -> None:
        """Settle what one call carried, target by target."""
        settlement.called += len(entries)
        settlement.counts["calls"] += 1
        settlement.counts["called"] += len(entries)
        if answer.fault is not None and answer.fault.kind is ErrorClass.UNSENT:
            settlement.unused_units += len(entries)
        if isinstance(answer, BatchAnswer):
            self._batch(settlement, entries, answer)
        elif answer.fault is None:
            is_group = settlement.lease.kind is Kind.GROUP
            # The slot has no room for what each app did; where it holds no msg_id, the detail does.
            settlement.accepted(entries[0], "" if is_group else answer.msg_id)
            if is_group:
                settlement.details[entries[0].push_id] = group_detail(answer)
        else:
            self._failed(settlement, entries[0], answer.fault)

    def _batch(self, settlement: Settlement, entries: Sequence[Entry], answer: BatchAnswer) -> None:
        # The fault of a call holds for the targets that its answer does not name.
        otherwise = answer.fault or MISSING
        for entry in entries:
            result = answer.results.get(entry.target)
            if result is None:
                self._failed(settlement, entry, otherwise)
            elif result.fault is None:
                settlement.accepted(entry, result.msg_id)
            else:
                self._failed(settlement, entry, result.fault)
        if answer.throttled and not settlement.throttled:
            settlement.throttled = 1

    def _failed(self, settlement: Settlement, entry: Entry, fault: Fault) -> None:
        is_group = settlement.lease.kind is Kind.GROUP
        _note(settlement, fault)
        if is_group and fault.maybe_sent:
            self._unknown(settlement, entry, fault.code or 0)
            return
        if is_group and fault.kind is ErrorClass.CREDENTIAL:
            self._apply(settlement, Again(entry, GROUP_REFUSED_DELAY_MS), fault)
            return
        verdict = judge(
            entry,
            fault,
            first_attempt_at_ms=settlement.lease.first_attempt_at_ms,
            now_ms=settlement.now_ms,
            settings=self.settings,
            rng=self.rng,
        )
        self._apply(settlement, verdict, fault)

    def _unknown(self, settlement: Settlement, entry: Entry, code: int) -> None:
        is_urgent = settlement.lease.lane == Lane.URGENT
        policy = self.settings.urgent_unknown if is_urgent else self.settings.transactional_unknown
        has_time = entry.expires_at_ms > settlement.now_ms
        if policy == "resend" and has_time and settlement.lease.kind is not Kind.GROUP and not is_resent(entry):
            settlement.retries.append(Again(resent(entry), 0))
            settlement.counts["resent"] += 1
            return
        settlement.outcome(entry, State.UNKNOWN, code=code)
        if policy == "ask":
            settlement.asked.append(_letter(entry, "unknown", code))

    def _apply(self, settlement: Settlement, verdict: Verdict, fault: Fault) -> None:
        match verdict:
            case Again():
                settlement.retries.append(verdict)
                settlement.counts["retried"] += 1
            case Rejected(entry, code):
                settlement.outcome(entry, State.REJECTED, code=code)
                settlement.messages[code] = fault.message
            case Unknown(entry, code):
                self._unknown(settlement, entry, code)
            case Dead(entry, code):
                settlement.bury(entry, "exhausted", code)
                settlement.messages[code] = fault.message


def _note(settlement: Settlement, fault: Fault) -> None:
    match fault.kind:
        case ErrorClass.THROTTLED:
            settlement.throttled += 1
            settlement.counts["throttled"] += 1
        case ErrorClass.CREDENTIAL:
            # Those of a group are others than the app's, whose gate they must not close.
            settlement.closes_gate = settlement.lease.kind is not Kind.GROUP
        case ErrorClass.BENCH:
            settlement.benches = True
        case ErrorClass.SETUP:
            settlement.lacking[fault.code or 0] = fault.message


def refuses_as_a_whole(answer: BatchAnswer | SingleAnswer) -> bool:
    """Whether the API refused a request without naming a target, so that one item may have spoilt it for all."""
    fault = answer.fault
    return (
        isinstance(answer, BatchAnswer)
        and not answer.results
        and fault is not None
        and (fault.kind is ErrorClass.PERMANENT)
    )


def is_resent(entry: Entry) -> bool:
    """Whether the push already goes under a second cid."""
    return RESENT.search(entry.body, max(0, len(entry.body) - TAIL_LENGTH)) is not None


def resent(entry: Entry) -> Entry:
    """The same push under a new cid: the vendor cannot tell it from a new one, so a device may get it twice."""
    body = with_cid(entry.body, entry.push_id + RESENT_SUFFIX)
    return entry._replace(
        body=body, spent=entry.spent + entry.attempts, attempts=0, maybe_sent=False, first_attempt_at_ms=0
    )


def _letter(entry: Entry, reason: str, code: int) -> DeadLetter:
    return DeadLetter(entry.push_id, RawEntry(entry.header(), entry.body, entry.trail()), reason, code)


def group_detail(answer: SingleAnswer) -> dict[str, Any]:
    """What each app of the group did: msg_id, or code and message; by the first characters of its AppKey."""
    apps = {
        shortened(key): {name: value[name] for name in ("msg_id", "error") if name in value}
        for key, value in answer.raw.items()
        if isinstance(value, dict)
    }
    return {"msg_id": answer.msg_id, "apps": apps}
