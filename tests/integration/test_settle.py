"""Settle: a lease ends once, whole, and only in the hands of its holder."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from producers.contract import Kind, Lane, LaneClass
from producers.outcomes import State
from producers.receipts import Receipt
from tests.lanes_fixture import Bench, accept_all, batch_answer, fault, targets_of
from worker.api import BatchAnswer, ErrorClass, TargetResult
from worker.lanes import Leave, Wait
from worker.planner import Lease

MakeBench = Callable[..., Bench]


def failing(kind: ErrorClass, code: int | None = None) -> Callable[[Sequence[str]], BatchAnswer]:
    """A vendor that refuses the whole call."""
    return lambda _: batch_answer(whole=fault(kind, code))


def quota_sum(bench: Bench) -> float:
    """Units that the window holds."""
    return float(bench.client.hget(bench.key("quota"), "sum") or 0)


def test_outcomes_are_in_the_slots(bench: Bench) -> None:
    """State, attempts, code, msg_id and time, each in the slot of its own push."""
    receipts = bench.send(["good", "bad", "missing"])
    refusal = TargetResult("", fault(ErrorClass.TARGET, 20101))
    assert bench.settle(bench.leased(), lambda _: batch_answer({"good": TargetResult("12345678901"), "bad": refusal}))
    good, bad, missing = (bench.outcomes.of(receipt) for receipt in receipts)
    assert (good.state, good.msg_id, good.attempts, good.at_seconds) == (
        State.ACCEPTED,
        "12345678901",
        1,
        1_800_000_000,
    )
    assert (bad.state, bad.code, bad.attempts) == (State.REJECTED, 20101, 1)
    assert missing.state is State.PENDING
    books = bench.books()
    assert (books.accepted, books.rejected, books.delayed, books.calls, books.called) == (1, 1, 1, 1, 3)


def test_a_second_settle_is_a_no_op(bench: Bench) -> None:
    """The token was consumed: nothing is counted twice, no unit comes back twice."""
    bench.send(3)
    lease = bench.leased()
    assert bench.settle(lease)
    before = {name: bench.client.dump(name) for name in bench.client.keys("push:*")}
    assert not bench.settle(lease, failing(ErrorClass.UNSENT))
    assert {name: bench.client.dump(name) for name in bench.client.keys("push:*")} == before


def test_a_holder_that_was_declared_dead_settles_nothing(bench: Bench) -> None:
    """Neither before nor after the new holder is done."""
    receipts = bench.send(3)
    zombie = bench.leased(slot="zombie")
    bench.advance(15_000)
    heir = bench.leased(slot="heir")
    assert not bench.settle(zombie, failing(ErrorClass.PERMANENT, 21003))
    assert bench.books().leased == 3
    assert bench.settle(heir)
    assert not bench.settle(zombie, failing(ErrorClass.PERMANENT, 21003))
    assert bench.states(receipts) == [State.ACCEPTED] * 3
    assert bench.books().accepted == 3


def test_an_invented_token_settles_nothing(bench: Bench) -> None:
    """There is no lease of that name."""
    bench.send(3)
    lease = bench.leased()
    assert not bench.settle(replace(lease, token="invented"))
    assert bench.books().leased == 3


def test_a_settle_that_comes_late_but_first_still_counts(bench: Bench) -> None:
    """Nobody has taken the lease over yet."""
    receipts = bench.send(1)
    lease = bench.leased()
    bench.advance(20_000)
    assert bench.settle(lease)
    assert bench.lease() == Leave("empty")
    assert bench.states(receipts) == [State.ACCEPTED]


def test_retries_are_delayed_and_keep_their_slot(bench: Bench) -> None:
    """The push is in one place: the delayed set, with its payload."""
    (receipt,) = bench.send(1)
    bench.settle(bench.leased(), failing(ErrorClass.AMBIGUOUS))
    due = bench.client.zscore(bench.key("later:transactional:regid"), receipt.push_id)
    assert due is not None
    assert 10_000 <= due - bench.now <= 12_000
    assert bench.client.xlen(bench.key("lane:transactional:regid")) == 0
    assert bench.client.hlen(bench.key("body:transactional:regid")) == 1
    assert bench.state(receipt) is State.PENDING
    bench.advance(12_000)
    bench.settle(bench.leased())
    assert bench.client.hlen(bench.key("body:transactional:regid")) == 0
    assert (bench.state(receipt), bench.outcomes.of(receipt).attempts) == (State.ACCEPTED, 2)
    assert bench.books().pending == 0


def test_what_was_not_called_goes_back_at_once_with_its_units(bench: Bench) -> None:
    """No attempt is spent, and a bell rings."""
    bench.send(5)
    lease = bench.leased()
    settlement, plan = bench.open(lease)
    bench.judge.not_called(settlement, plan.call)
    bench.client.delete(bench.key("bell:push"))
    assert bench.lanes.settle(settlement)
    assert bench.client.llen(bench.key("bell:push")) == 1
    assert quota_sum(bench) == 0
    again = bench.leased()
    assert targets_of(again) == targets_of(lease)
    assert all(entry.attempts == 0 and not entry.maybe_sent for entry in bench.open(again)[1].call)


def test_dead_letters_hold_the_entry_and_are_counted_once(bench: Bench) -> None:
    """Reason and code beside it."""
    bench.settings = bench.settings.model_copy(update={"retry_attempts": 1})
    bench.judge = replace(bench.judge, settings=bench.settings)
    (receipt,) = bench.send(["rid-x"])
    bench.settle(bench.leased(), failing(ErrorClass.UNSENT))
    ((_, letter),) = bench.client.xrange(bench.key("dead"))
    assert letter[b"id"].decode() == receipt.push_id
    assert letter[b"reason"] == b"exhausted"
    assert letter[b"h"].endswith(b"rid-x")
    assert letter[b"b"] == b'{"t":"rid-x"}'
    assert (bench.state(receipt), bench.books().dead) == (State.DEAD, 1)


def test_settled_entries_leave_the_stream_only_behind_the_lowest_live_lease(bench: Bench) -> None:
    """A take-over must find its range."""
    bench.send(60)
    low = bench.leased(slot="low")
    bench.send(40)
    bench.advance(500)
    high = bench.leased(slot="high")
    stream = bench.key("lane:transactional:regid")
    assert bench.settle(high)
    assert bench.client.xlen(stream) == 100
    assert bench.books().leased == 50
    bench.advance(14_500)
    heir = bench.leased(slot="heir")
    assert heir.entries == low.entries
    assert bench.settle(heir)
    assert bench.client.xlen(stream) == 0
    assert bench.books().pending == 0


def test_many_leases_settled_in_any_order_leave_nothing_behind(make_bench: MakeBench) -> None:
    """The stream is as long as the range from the lowest live lease on."""
    bench = make_bench(rate=100_000)
    bench.send(3_000)
    leases = [bench.leased(slot=f"s{i}") for i in range(6)]
    length = 3_000
    for index in (1, 0, 5, 3, 2, 4):
        assert bench.settle(leases[index])
        length = {1: 3_000, 0: 2_000, 5: 2_000, 3: 2_000, 2: 1_000, 4: 0}[index]
        assert bench.client.xlen(bench.key("lane:transactional:regid")) == length
        bench.books()


# -- units


def test_units_of_a_call_that_never_left_come_back(bench: Bench) -> None:
    """The vendor metered nothing."""
    bench.send(50)
    lease = bench.leased()
    assert quota_sum(bench) == 50
    bench.advance(30)
    bench.settle(lease, failing(ErrorClass.UNSENT))
    assert quota_sum(bench) == 0


def test_units_of_what_stayed_out_of_the_call_come_back(bench: Bench) -> None:
    """Repeated targets are metered with their own call."""
    bench.send(["a", "a", "b"])
    lease = bench.leased()
    bench.settle(lease)
    assert quota_sum(bench) == 2


def test_units_of_a_call_that_may_have_been_metered_stay_spent(bench: Bench) -> None:
    """A time-out is no refund."""
    bench.send(50)
    bench.settle(bench.leased(), failing(ErrorClass.AMBIGUOUS))
    assert quota_sum(bench) == 50


@pytest.mark.parametrize("offset", [0, 0.3, 0.7, 1.2, 1.9])
def test_renewed_units_move_to_the_time_of_the_new_grant(make_bench: MakeBench, offset: float) -> None:
    """Whatever tenth of a millisecond, and beside another grant of that moment."""
    bench = make_bench(rate=1_000)
    bench.advance(offset)
    bench.send(30, lane=Lane.URGENT)
    first = bench.leased(LaneClass.URGENT, slot="s1")
    bench.send(40, lane=Lane.URGENT, kind=Kind.ALIAS)
    bench.advance(1.9)
    bench.leased(LaneClass.URGENT, slot="s2")
    assert quota_sum(bench) == 70
    bench.advance(40)
    assert isinstance(bench.lanes.renew(first.token), str)
    assert quota_sum(bench) == 70
    bench.advance(985)
    bench.lanes.renew("nobody")
    bench.lease(LaneClass.URGENT)
    assert quota_sum(bench) == 30


def test_a_renewal_of_a_lost_lease_is_refused(bench: Bench) -> None:
    """Its heir has units of its own."""
    bench.send(5)
    lease = bench.leased()
    assert bench.settle(lease)
    assert bench.lanes.renew(lease.token) is None


def test_units_are_given_back_once(make_bench: MakeBench) -> None:
    """A renewal that waits has given them back; settling without a call must not take them from another lease."""
    bench = make_bench(rate=100)
    bench.send(50, lane=Lane.URGENT)
    waiting = bench.leased(LaneClass.URGENT, slot="s1")
    bench.send(50, lane=Lane.URGENT, kind=Kind.ALIAS)
    bench.leased(LaneClass.URGENT, slot="s2")
    bench.client.hset(bench.key("quota"), mapping={"rate": 60, "stepped": str(bench.now)})
    bench.advance(30)
    assert isinstance(bench.lanes.renew(waiting.token), int)
    assert quota_sum(bench) == 50
    settlement, plan = bench.open(waiting)
    bench.judge.not_called(settlement, plan.call)
    assert bench.lanes.settle(settlement)
    assert quota_sum(bench) == 50


def test_a_renewed_grant_is_the_one_that_is_given_back(make_bench: MakeBench) -> None:
    """Otherwise the refund of a call that never left is lost, or taken from another."""
    bench = make_bench(rate=1_000)
    bench.send(30, lane=Lane.URGENT)
    lease = bench.leased(LaneClass.URGENT)
    bench.advance(40)
    assert isinstance(bench.lanes.renew(lease.token), str)
    assert bench.settle(lease, failing(ErrorClass.UNSENT))
    assert quota_sum(bench) == 0


# -- throttling and the gate


def test_throttling_lowers_the_rate_by_one_step_a_second_and_it_climbs_back(bench: Bench) -> None:
    """And spends no attempt."""
    bench.send(3)

    def partly(targets: Sequence[str]) -> BatchAnswer:
        answer = accept_all(targets)
        return replace(
            answer, results=answer.results | {targets[0]: TargetResult("", fault(ErrorClass.THROTTLED, 23008))}
        )

    for _ in range(3):
        bench.send(3)
        bench.settle(bench.leased(), partly)
        bench.advance(50)
    assert float(bench.client.hget(bench.key("quota"), "rate")) == pytest.approx(450)
    assert not bench.client.hexists(bench.key("gate"), "throttled")
    bench.advance(900)
    answer = bench.leased()
    assert {entry.attempts for entry in bench.open(answer)[1].call} == {0}
    bench.settle(answer)
    bench.advance(100)
    bench.send(1)
    bench.settle(bench.leased())
    bench.advance(30_000)
    bench.lease()
    assert not bench.client.hexists(bench.key("quota"), "rate")


def test_calls_that_were_mostly_throttled_close_the_gate_for_longer_each_time(bench: Bench) -> None:
    """All wait, nothing is lost, no attempt is spent; a call that went through makes the next pause short again."""
    bench.send(10)
    for longest in (125, 250, 500, 1_000, 1_000):
        bench.settle(bench.leased(), failing(ErrorClass.THROTTLED, 23008))
        answer = bench.lease()
        assert isinstance(answer, Wait)
        assert longest - 10 < answer.ms <= longest
        bench.advance(1_001)
    again = bench.leased()
    assert {entry.attempts for entry in bench.open(again)[1].call} == {0}
    assert bench.books().throttled == 50
    bench.settle(again)
    assert not bench.client.hexists(bench.key("gate"), "pause")


def test_the_rate_never_falls_below_a_twentieth(bench: Bench) -> None:
    """However long the vendor throttles."""
    bench.send(1)
    lease = bench.leased()
    # What climbs back within the second since the last step is 10.
    bench.client.hset(bench.key("quota"), mapping={"rate": 26 - 10, "stepped": str(bench.now - 1_000)})
    bench.settle(lease, failing(ErrorClass.THROTTLED, 23008))
    assert float(bench.client.hget(bench.key("quota"), "rate")) == 25


def test_refused_credentials_close_the_gate_and_burn_nothing(bench: Bench) -> None:
    """The pushes wait with all their attempts."""
    receipts = bench.send(4)
    bench.settle(bench.leased(), failing(ErrorClass.CREDENTIAL, 23001))
    bench.send(1, lane=Lane.URGENT)
    assert bench.lease() == Leave("closed", "credentials")
    bench.advance(95_000)
    assert bench.lease() == Leave("closed", "credentials")
    bench.client.hdel(bench.key("gate"), "credentials")
    for _ in range(4):
        answer = bench.lease()
        if isinstance(answer, Lease):
            bench.settle(answer)
        bench.advance(30)
    assert bench.states(receipts) == [State.ACCEPTED] * 4
    assert {bench.outcomes.of(receipt).attempts for receipt in receipts} == {1}


def test_a_call_with_a_fault_believes_the_results_it_has(bench: Bench) -> None:
    """The fault is about the rest."""
    accepted, other = bench.send(["a", "b"])
    bench.settle(bench.leased(), lambda _: batch_answer({"a": TargetResult("7")}, fault(ErrorClass.PERMANENT, 21003)))
    assert bench.states([accepted, other]) == [State.ACCEPTED, State.REJECTED]


def test_settle_never_touches_another_lane(bench: Bench) -> None:
    """Retries go back to where they came from."""
    bench.send(2, lane=Lane.URGENT, kind=Kind.ALIAS)
    bench.settle(bench.leased(), failing(ErrorClass.TRANSIENT, 21030))
    assert bench.client.zcard(bench.key("later:urgent:alias")) == 2
    bench.advance(1_100)
    assert bench.leased(LaneClass.URGENT).stream == "again:urgent:alias"


def test_a_receipt_of_another_app_shows_nothing(bench: Bench) -> None:
    """Slots are kept per app."""
    (receipt,) = bench.send(1)
    bench.settle(bench.leased())
    assert bench.state(Receipt(receipt.push_id, "other", "")) is State.ABSENT
