"""From answers to settlements: each entry of a lease in exactly one list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from config.delivery import DeliverySettings
from producers.entry import Entry
from producers.outcomes import State, unpack_slot
from tests.lanes_fixture import dice
from worker.api import BatchAnswer, ErrorClass, Fault, SingleAnswer, TargetResult
from worker.planner import POISON_TAKE_OVERS, Lease, Plan, RawEntry, plan_call
from worker.settlement import Judge, Settlement

NOW = 1_800_000_000_000
SETTINGS = DeliverySettings()
JUDGE = Judge(SETTINGS, dice(1))
REFUSED, AGAIN, CLOSED = State.REJECTED, State.PENDING, "closed"


def entry_of(index: int, target: str | None = None, **fields: Any) -> Entry:
    """An entry in slot `index`."""
    ref = f"0123456789ab0{index // 32}{'0123456789abcdefghjkmnpqrstvwxyz'[index % 32]}"
    return Entry("1mcc5rm00" + ref, target or f"rid{index}", b"{}", NOW + 90_000_000, ref)._replace(**fields)


def lease_of(entries: Sequence[Entry], take_overs: float = 0, stream: str = "lane:urgent:regid") -> Lease:
    """A lease of these entries."""
    raw = tuple(RawEntry(entry.header(), entry.body, entry.trail() if entry.attempts else b"") for entry in entries)
    return Lease("t", stream, NOW - 50, take_overs, len(raw), str(NOW), raw)


def opened(lease: Lease) -> tuple[Settlement, Plan]:
    """Its plan, and the settlement that the plan begins."""
    plan = plan_call(lease, NOW, SETTINGS)
    return JUDGE.open(lease, plan, NOW), plan


def fault(kind: ErrorClass, code: int | None = 21030) -> Fault:
    """A fault of this class."""
    return Fault(kind, code, 400, "the vendor's words", kind in {ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS})


def batch(results: dict[str, TargetResult], whole: Fault | None = None, *, throttled: bool = False) -> BatchAnswer:
    """The answer to a batch call."""
    return BatchAnswer(whole, results, throttled, 200, 0.1)


def settled(settlement: Settlement) -> int:
    """Entries that the settlement accounts for."""
    malformed = sum(letter.reason == "malformed" for letter in settlement.dead)
    return len(settlement.outcomes) + len(settlement.retries) + malformed


@pytest.mark.parametrize(
    ("kind", "expected", "attempts", "unused", "level"),
    [
        (ErrorClass.UNSENT, AGAIN, 1, 3, 0),
        (ErrorClass.TRANSIENT, AGAIN, 1, 0, 0),
        (ErrorClass.AMBIGUOUS, AGAIN, 1, 0, 0),
        (ErrorClass.THROTTLED, AGAIN, 0, 0, 2),
        (ErrorClass.PERMANENT, REFUSED, 1, 0, 0),
        (ErrorClass.TARGET, REFUSED, 1, 0, 0),
        (ErrorClass.SETUP, REFUSED, 1, 0, 0),
        (ErrorClass.CREDENTIAL, AGAIN, 0, 0, 0),
        (ErrorClass.BENCH, AGAIN, 0, 0, 0),
    ],
)
def test_a_fault_of_the_whole_call_holds_for_all(
    kind: ErrorClass, expected: State, attempts: int, unused: int, level: int
) -> None:
    """One row per class; the units of what never left come back."""
    settlement, plan = opened(lease_of([entry_of(i) for i in range(3)]))
    JUDGE.answer(settlement, plan.call, batch({}, fault(kind)))
    assert settled(settlement) == 3
    assert (settlement.unused_units, settlement.throttle_level) == (unused, level)
    assert (settlement.closes_gate) is (kind is ErrorClass.CREDENTIAL)
    if expected is AGAIN:
        assert [again.entry.attempts for again in settlement.retries] == [attempts] * 3
        assert {again.entry.maybe_sent for again in settlement.retries} == {fault(kind).maybe_sent}
    else:
        slots = [unpack_slot(raw) for _, _, raw in settlement.outcomes]
        assert {(slot.state, slot.code, slot.attempts) for slot in slots} == {(expected, 21030, attempts)}
        assert settlement.messages == {21030: "the vendor's words"}


def test_each_class_of_error_has_a_row() -> None:
    """A new class must be thought about here."""
    marks = test_a_fault_of_the_whole_call_holds_for_all.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(ErrorClass)


def test_results_hold_for_their_targets_and_the_fault_for_the_rest() -> None:
    """An accepted push is never sent again because its neighbours failed."""
    settlement, plan = opened(lease_of([entry_of(i) for i in range(3)]))
    results = {"rid0": TargetResult("11"), "rid1": TargetResult("", fault(ErrorClass.TARGET, 20101))}
    JUDGE.answer(settlement, plan.call, batch(results, fault(ErrorClass.TRANSIENT)))
    assert settlement.counts["accepted"] == settlement.counts["rejected"] == settlement.counts["retried"] == 1


def test_a_target_that_the_answer_forgot_is_ambiguous() -> None:
    """It may have been sent, and waits ten seconds."""
    settlement, plan = opened(lease_of([entry_of(0)]))
    JUDGE.answer(settlement, plan.call, batch({}))
    (again,) = settlement.retries
    assert again.entry.maybe_sent
    assert again.entry.first_attempt_at_ms == NOW - 50
    assert again.delay_ms >= SETTINGS.ambiguous_delay_ms


@pytest.mark.parametrize(("refused", "level"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2)])
def test_throttling_is_partly_or_mostly(refused: int, level: int) -> None:
    """More than half of a call closes the gate."""
    settlement, plan = opened(lease_of([entry_of(i) for i in range(4)]))
    results = {f"rid{i}": TargetResult("1") for i in range(4)}
    results |= {f"rid{i}": TargetResult("", fault(ErrorClass.THROTTLED, 23008)) for i in range(refused)}
    JUDGE.answer(settlement, plan.call, batch(results, throttled=refused > 0))
    assert settlement.throttle_level == level


def test_a_mark_of_throttling_without_a_refusal_lowers_the_rate() -> None:
    """`rate_limit_info` alone says it, too."""
    settlement, plan = opened(lease_of([entry_of(0)]))
    JUDGE.answer(settlement, plan.call, batch({"rid0": TargetResult("1")}, throttled=True))
    assert settlement.throttle_level >= 1
    assert settlement.counts["accepted"] == 1


def test_what_was_not_called_spends_nothing() -> None:
    """No attempt, no unit, no delay."""
    settlement, plan = opened(lease_of([entry_of(i) for i in range(3)]))
    JUDGE.not_called(settlement, plan.call)
    assert [(again.delay_ms, again.entry.attempts) for again in settlement.retries] == [(0, 0)] * 3
    assert settlement.unused_units == 3
    assert not settlement.counts


@pytest.mark.parametrize("answer", [None, ErrorClass.TRANSIENT, ErrorClass.PERMANENT])
def test_a_single_push_is_settled_alone(answer: ErrorClass | None) -> None:
    """As a batch of one would be."""
    settlement, plan = opened(lease_of([entry_of(0)], stream="lane:urgent:single"))
    JUDGE.answer(settlement, plan.call, SingleAnswer(None if answer is None else fault(answer), "77", 200, 0.1))
    assert settled(settlement) == 1
    assert settlement.counts["calls"] == settlement.counts["called"] == 1


def test_repeats_late_and_malformed_entries_are_settled_before_the_call() -> None:
    """And their units go back."""
    late = entry_of(1, attempts=1, maybe_sent=True, first_attempt_at_ms=NOW - SETTINGS.cid_life_ms)
    lease = lease_of([entry_of(0, "same"), late, entry_of(2, "same")])
    lease = replace(lease, units=4, entries=(*lease.entries, RawEntry(b"junk", b"", b"")))
    settlement, plan = opened(lease)
    assert [entry.target for entry in plan.call] == ["same"]
    assert settlement.unused_units == 3
    assert (settlement.counts["unknown"], settlement.counts["enqueued"]) == (1, 1)
    JUDGE.answer(settlement, plan.call, batch({"same": TargetResult("1")}))
    assert settled(settlement) == 4


def test_a_push_that_ended_its_holders_is_not_called_again() -> None:
    """It ends, for a person to look at."""
    settlement, plan = opened(lease_of([entry_of(0)], take_overs=POISON_TAKE_OVERS))
    assert plan.call == ()
    assert settled(settlement) == 1
    assert settlement.unused_units == 1


@pytest.mark.parametrize("msg_id", ["0", "18446744073709551616", "abc", "", "9" * 30, "9" * 5_000])
def test_a_strange_msg_id_does_not_stop_the_settlement(msg_id: str) -> None:
    """The push was accepted all the same."""
    settlement, plan = opened(lease_of([entry_of(0)]))
    JUDGE.answer(settlement, plan.call, batch({"rid0": TargetResult(msg_id)}))
    ((_, _, raw),) = settlement.outcomes
    assert unpack_slot(raw).state is State.ACCEPTED


def test_consecutive_slots_are_written_as_one() -> None:
    """And only those."""
    settlement, plan = opened(lease_of([entry_of(i) for i in (5, 0, 1, 2, 7)]))
    JUDGE.answer(settlement, plan.call, batch({f"rid{i}": TargetResult("1") for i in (5, 0, 1, 2, 7)}))
    assert [(first // 16, len(raw) // 16) for _, first, raw in settlement.slot_runs()] == [(0, 3), (5, 1), (7, 1)]
