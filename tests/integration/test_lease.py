"""Lease: who gets what, when, and what a dead holder leaves behind."""

from collections.abc import Callable
from typing import Any

import pytest

from producers.contract import Kind, Lane, LaneClass
from producers.entry import Entry
from producers.outcomes import State
from tests.lanes_fixture import FINGERPRINT, Bench, batch_answer, fault, push_ids_of, targets_of
from worker.api import ErrorClass, TargetResult
from worker.lanes import Answer, AskAgain, Leave, Wait
from worker.planner import Lease, plan_call

MakeBench = Callable[..., Bench]


def waited(answer: Answer) -> int:
    """The milliseconds that the answer says to wait."""
    assert isinstance(answer, Wait), answer
    return answer.ms


def test_an_idle_lane_sends_at_once(bench: Bench) -> None:
    """The first push after a pause does not linger."""
    bench.send(1)
    first = bench.leased()
    bench.settle(first)
    bench.advance(1_000)
    bench.send(1)
    assert len(bench.leased().entries) == 1


def test_what_waits_together_leaves_together(bench: Bench) -> None:
    """One lease holds all that are pending, oldest first."""
    receipts = bench.send(30)
    lease = bench.leased()
    assert push_ids_of(lease) == [receipt.push_id for receipt in receipts]
    assert (lease.stream, lease.units, lease.take_overs) == ("lane:transactional:regid", 30, 0)
    assert bench.books().leased == 30


def test_call_starts_of_a_busy_lane_are_a_linger_apart(bench: Bench) -> None:
    """The second waits for what is left of it, then gets all that came meanwhile."""
    bench.send(3)
    bench.settle(bench.leased())
    bench.advance(5)
    bench.send(1)
    assert waited(bench.lease()) == 15
    bench.send(1)
    bench.advance(15)
    assert len(bench.leased().entries) == 2


def test_a_full_batch_does_not_linger(make_bench: MakeBench) -> None:
    """Waiting could add nothing to it."""
    bench = make_bench(rate=100_000)
    bench.send(2_000)
    for _ in range(4):
        assert len(bench.leased().entries) == 500
    assert isinstance(bench.lease(), Leave)


def test_urgent_goes_before_transactional(bench: Bench) -> None:
    """Whatever came first."""
    bench.send(5)
    bench.advance(10)
    bench.send(5, lane=Lane.URGENT)
    assert bench.leased().lane == Lane.URGENT
    assert bench.leased(slot="s2").lane == Lane.TRANSACTIONAL


def test_urgent_slices_serve_nothing_else(bench: Bench) -> None:
    """They stay free for what is urgent."""
    bench.send(5)
    assert bench.lease(LaneClass.URGENT) == Leave("empty")


def test_kinds_never_mix(bench: Bench) -> None:
    """Each lease comes from one stream; the one served longest ago is next."""
    bench.send(2, kind=Kind.REGID)
    bench.send(2, kind=Kind.ALIAS)
    assert {bench.leased().kind, bench.leased(slot="s2").kind} == {Kind.REGID, Kind.ALIAS}


def test_single_pushes_go_one_per_lease_without_linger(bench: Bench) -> None:
    """There is nothing to coalesce."""
    bench.send(3, kind=Kind.SINGLE)
    for _ in range(3):
        assert len(bench.leased().entries) == 1
    assert bench.lease() == Leave("empty")


def test_one_slice_waits_and_the_others_are_covered(bench: Bench) -> None:
    """Several threads must not lease a handful each."""
    bench.send(1)
    bench.leased(slot="s1")
    bench.advance(2)
    bench.send(1)
    assert waited(bench.lease(slot="s2")) == 18
    assert bench.lease(slot="s3") == Leave("covered")
    assert waited(bench.lease(slot="s2")) == 18


def test_a_waiter_that_got_work_covers_nobody(bench: Bench) -> None:
    """It is busy with a call: what comes next needs another to wait for it."""
    bench.send(1)
    bench.leased(slot="s1")
    bench.send(1)
    assert waited(bench.lease(slot="s2")) == 20
    bench.advance(20)
    bench.leased(slot="s2")
    bench.advance(5)
    bench.send(1)
    assert waited(bench.lease(slot="s3")) == 15


def test_a_waiter_that_does_not_come_back_is_replaced(bench: Bench) -> None:
    """Fifty milliseconds after its time another may wait."""
    bench.send(1)
    bench.settle(bench.leased(slot="s1"))
    bench.send(1)
    assert waited(bench.lease(slot="lost")) == 20
    bench.advance(69)
    bench.client.hset(bench.key("state"), "lane:transactional:regid|called", str(bench.now))
    assert bench.lease(slot="s2") == Leave("covered")
    bench.advance(2)
    assert waited(bench.lease(slot="s3")) == 18


def test_work_that_lingers_is_not_forgotten_when_its_waiter_takes_other_work(bench: Bench) -> None:
    """The waiter of two streams gets the first of them: a bell must ring for the second."""
    bench.send(1, kind=Kind.REGID)
    bench.settle(bench.leased(slot="s1"))
    bench.advance(5)
    bench.send(1, kind=Kind.ALIAS)
    bench.settle(bench.leased(slot="s1"))
    bench.advance(5)
    bench.send(1, kind=Kind.REGID)
    bench.send(1, kind=Kind.ALIAS)
    bench.client.delete(bench.key("bell:push"))
    assert waited(bench.lease(slot="s2")) == 10
    assert bench.lease(slot="s3") == Leave("covered")
    bench.advance(10)
    assert bench.leased(slot="s2").kind is Kind.REGID
    assert bench.client.llen(bench.key("bell:push")) == 1


def test_a_slice_that_takes_more_urgent_work_leaves_a_ring_for_its_own_lane(bench: Bench) -> None:
    """Its call may take seconds; a transactional push must not wait for it."""
    bench.send(1)
    bench.send(1, lane=Lane.URGENT)
    bench.client.delete(bench.key("bell:push"), bench.key("bell:urgent"))
    assert bench.leased(LaneClass.PUSH).lane == Lane.URGENT
    assert bench.client.llen(bench.key("bell:push")) == 1


def test_more_than_one_lease_rings_again(bench: Bench) -> None:
    """What is left over is another slice's."""
    bench.send(120)
    bench.client.delete(bench.key("bell:push"))
    assert len(bench.leased().entries) == 50
    assert bench.client.llen(bench.key("bell:push")) == 1


# -- expiry


def test_overdue_pushes_are_dropped_before_they_cost_quota(bench: Bench) -> None:
    """Their outcome is expired, and the others leave in the same lease."""
    old = bench.send(3, life_ms=1_000)
    bench.advance(1_000)
    new = bench.send(2)
    lease = bench.leased()
    assert push_ids_of(lease) == [receipt.push_id for receipt in new]
    assert lease.units == 2
    assert bench.states(old) == [State.EXPIRED] * 3
    assert bench.books().expired == 3
    assert float(bench.client.hget(bench.key("quota"), "sum") or 0) == 2


def test_only_overdue_pushes_mean_ask_again(bench: Bench) -> None:
    """No quota is spent, and nothing stays in the stream."""
    receipts = bench.send(60, life_ms=10)
    bench.advance(11)
    assert isinstance(bench.lease(), AskAgain)
    assert bench.lease() == Leave("empty")
    assert bench.states(receipts) == [State.EXPIRED] * 60
    assert bench.client.xlen(bench.key("lane:transactional:regid")) == 0
    assert bench.books().expired == 60


def test_a_push_lives_up_to_its_last_millisecond(bench: Bench) -> None:
    """And not longer."""
    bench.send(1, life_ms=100)
    bench.advance(99.9)
    assert len(bench.leased().entries) == 1
    bench.send(1, life_ms=100)
    bench.advance(100)
    assert isinstance(bench.lease(), AskAgain)


def test_overdue_pushes_wait_for_no_quota(make_bench: MakeBench) -> None:
    """They need none."""
    bench = make_bench(rate=10)
    bench.send(10, lane=Lane.URGENT)
    assert len(bench.leased().entries) == 10
    bench.send(5, lane=Lane.URGENT, life_ms=20)
    bench.advance(25)
    assert isinstance(bench.lease(), AskAgain)


@pytest.mark.parametrize("tenths", range(0, 10, 3))
def test_a_take_over_neither_drops_nor_counts_expired_pushes_again(bench: Bench, tenths: int) -> None:
    """Also at any fraction of the millisecond in which one of them expires."""
    bench.send(2, life_ms=50)
    bench.send(1, life_ms=101)
    bench.send(2)
    bench.advance(100 + tenths / 10)
    first = bench.leased()
    assert len(first.entries) == 3
    bench.advance(15_000)
    second = bench.leased()
    assert second.entries == first.entries
    books = bench.books()
    assert (books.leased, books.expired) == (3, 2)
    assert bench.settle(second)
    assert bench.books().pending == 0


def test_a_retry_that_may_have_been_sent_never_expires(bench: Bench) -> None:
    """The lease hands it out, the plan makes it unknown."""
    (receipt,) = bench.send(1, life_ms=11_000)
    bench.settle(
        bench.leased(), lambda t: batch_answer(dict.fromkeys(t, TargetResult("", fault(ErrorClass.TRANSIENT, 21030))))
    )
    assert bench.books().delayed == 1
    bench.advance(12_000)
    lease = bench.leased()
    assert plan_call(lease, int(bench.now), bench.settings).call == ()
    bench.settle(lease)
    assert bench.state(receipt) is State.UNKNOWN
    assert bench.books().unknown == 1


# -- repeated targets


def test_a_target_that_comes_twice_is_called_twice_in_two_leases(bench: Bench) -> None:
    """Both are accepted in the end, none is lost."""
    receipts = bench.send(["a", "b", "a", "c", "a"])
    lease = bench.leased()
    _, plan = bench.open(lease)
    assert [entry.target for entry in plan.call] == ["a", "b", "c"]
    bench.settle(lease)
    assert bench.books().accepted == 3
    for _ in range(2):
        bench.advance(30)
        bench.settle(bench.leased())
    assert bench.states(receipts) == [State.ACCEPTED] * 5
    assert bench.books().pending == 0


def test_many_repeats_end_the_range(make_bench: MakeBench) -> None:
    """A thousand pushes for one device cost a thousand calls, not a million moves."""
    bench = make_bench(rate=10_000)
    receipts = bench.send(["same"] * 40)
    assert len(bench.leased().entries) == 9
    bench.advance(15_000)
    for _ in range(60):
        answer = bench.lease()
        if isinstance(answer, Lease):
            bench.settle(answer)
        bench.advance(25)
    assert bench.states(receipts) == [State.ACCEPTED] * 40
    assert bench.books().calls == 40


# -- the gate


@pytest.mark.parametrize(
    ("reason", "value", "answer"),
    [
        ("paused", "1", Leave("closed", "paused")),
        ("credentials", f"0|{FINGERPRINT}|60000", Leave("closed", "credentials")),
        ("throttled", None, Wait(700)),
    ],
)
def test_a_closed_gate_lets_nothing_through(bench: Bench, reason: str, value: str | None, answer: Answer) -> None:
    """Nothing is leased or dropped, and nothing is lost."""
    bench.send(3)
    bench.client.hset(bench.key("gate"), reason, value or str(int(bench.now) + 700))
    assert bench.lease() == answer
    assert bench.books().queued == 3
    bench.advance(700)
    if reason == "throttled":
        assert len(bench.leased().entries) == 3
    else:
        assert bench.lease() == answer


def test_a_slice_at_a_closed_gate_has_left(bench: Bench) -> None:
    """Its slot is free again."""
    bench.lanes.open_slot(LaneClass.PUSH, "s1")
    bench.client.hset(bench.key("gate"), "paused", "1")
    bench.lease(slot="s1")
    assert bench.client.zcard(bench.key("open:push")) == 0


# -- retries and take-over


def test_a_retry_comes_back_when_it_is_due(bench: Bench) -> None:
    """With its trail, through a stream of its own."""
    bench.send(2)
    lease = bench.leased()
    bench.settle(
        lease, lambda t: batch_answer({each: TargetResult("", fault(ErrorClass.TRANSIENT, 21030)) for each in t})
    )
    assert bench.books().delayed == 2
    bench.advance(400)
    assert bench.lease() == Leave("empty")
    bench.advance(700)
    again = bench.leased()
    assert again.stream == "again:transactional:regid"
    assert sorted(targets_of(again)) == ["rid0", "rid1"]
    call = plan_call(again, int(bench.now), bench.settings).call
    assert all((entry.attempts, entry.maybe_sent) == (1, True) for entry in call)
    assert all(entry.first_attempt_at_ms == lease.first_attempt_at_ms for entry in call)


def test_a_dead_lease_is_issued_again_as_it_was(bench: Bench) -> None:
    """Same entries, same first attempt; now they may have been sent."""
    bench.send(5)
    first = bench.leased(slot="dying")
    bench.send(5)
    bench.advance(15_000)
    second = bench.leased(slot="s2")
    assert second.entries == first.entries
    assert second.stream == first.stream
    assert second.first_attempt_at_ms == first.first_attempt_at_ms
    assert second.take_overs == 1
    assert all(entry.maybe_sent for entry in plan_call(second, int(bench.now), bench.settings).call)
    assert bench.books().leased == 5


def test_a_lease_is_not_taken_over_before_its_time(bench: Bench) -> None:
    """Not a tenth of a millisecond."""
    bench.send(1)
    bench.leased()
    bench.advance(14_999.9)
    assert bench.lease() == Leave("empty")
    bench.advance(0.1)
    assert bench.leased().take_overs == 1


def test_a_take_over_takes_its_quota_again(make_bench: MakeBench) -> None:
    """The dead holder may have used the first."""
    bench = make_bench(rate=50)
    bench.send(30, lane=Lane.URGENT)
    bench.leased(LaneClass.URGENT)
    bench.advance(15_000)
    bench.send(30, lane=Lane.URGENT)
    assert bench.leased(LaneClass.URGENT).take_overs == 1
    assert float(bench.client.hget(bench.key("quota"), "sum")) == 30


def test_a_range_that_kills_its_holders_is_taken_apart(bench: Bench) -> None:
    """Twice whole, then halves, then one by one; at every step each entry is in exactly one lease."""
    receipts = bench.send(4)
    sizes: list[list[int]] = [[len(bench.leased().entries)]]
    for _ in range(4):
        bench.advance(15_000)
        round_of = []
        for _ in range(9):
            answer = bench.lease(slot=bench.token())
            if isinstance(answer, Lease):
                round_of.append(answer)
            bench.books()
        sizes.append([len(lease.entries) for lease in round_of])
        assert sorted(each for lease in round_of for each in push_ids_of(lease)) == sorted(r.push_id for r in receipts)
    assert sizes == [[4], [4], [4], [2, 2], [1, 1, 1, 1]]


def test_one_poison_entry_does_not_drag_its_neighbours(bench: Bench) -> None:
    """A holder that meets it dies; everything else is delivered."""
    receipts = bench.send(8)
    poison = receipts[5].push_id
    for _ in range(120):
        answer = bench.lease(slot=bench.token())
        if isinstance(answer, Lease):
            _, plan = bench.open(answer)
            if poison not in [entry.push_id for entry in plan.call]:
                assert bench.settle(answer)
            bench.books()
        else:
            bench.advance(5_000)
    states = bench.states(receipts)
    assert states[:5] + states[6:] == [State.ACCEPTED] * 7
    assert states[5].is_outcome
    assert bench.books().pending == 0


def test_a_repeated_lease_request_gets_the_same_answer(bench: Bench) -> None:
    """As after an answer that got lost: the entries are leased once."""
    bench.send(10)
    first = bench.lease(token="once")
    bench.advance(1)
    second = bench.lease(token="once")
    assert isinstance(first, Lease)
    assert isinstance(second, Lease)
    assert (second.entries, second.first_attempt_at_ms) == (first.entries, first.first_attempt_at_ms)
    assert bench.books().leased == 10
    assert float(bench.client.hget(bench.key("quota"), "sum")) == 10


# -- what no producer can have written


@pytest.mark.parametrize(
    "fields",
    [
        {"h": "3" + "f" * 50, "b": "{}"},
        {"h": "", "b": ""},
        {"x": "y"},
        {"h": "1" + "0" * 11 + "not a push id" * 4, "b": "{}"},
        {"h": "1" + "0" * 35, "b": "{}"},
        {"h": "3" + "0" * 35 + "target", "b": "{}"},
        {"h": "1" + "0" * 11 + "k" + "0" * 23 + "target", "b": "{}"},
        {"h": b"1fffffffffff" + b"0" * 24 + b"\xff\xfe", "b": "{}"},
        {"h": "1" + "f" * 11 + "0" * 24 + "target", "b": "{}", "r": "short"},
    ],
)
def test_a_hand_made_entry_becomes_a_dead_letter_and_stops_nothing(bench: Bench, fields: dict[Any, Any]) -> None:
    """The books know it, and its neighbours are delivered."""
    receipts = bench.send(2)
    bench.client.xadd(bench.key("lane:transactional:regid"), fields)
    receipts += bench.send(2)
    for _ in range(3):
        answer = bench.lease()
        if isinstance(answer, Lease):
            bench.settle(answer)
        bench.advance(30)
    assert bench.states(receipts) == [State.ACCEPTED] * 4
    books = bench.books()
    assert (books.dead, books.pending) == (1, 0)


def test_entries_survive_their_own_format() -> None:
    """The bench reads headers as the scripts do."""
    entry = Entry("0" * 24, "target", b"{}", 1, "0" * 15)
    assert entry.header()[36:] == b"target"
