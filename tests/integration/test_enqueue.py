"""Enqueue: a receipt means stored, and whatever is repeated changes nothing."""

from dataclasses import replace

import pytest

from producers import ids
from producers.contract import Kind, Lane
from producers.entry import read_entry
from producers.errors import BrokerUnavailable, IdempotencyConflict, QueueFull, UnknownApp
from producers.intake import Lettered
from producers.outcomes import State
from producers.receipts import Receipt
from tests.lanes_fixture import Bench


def keyed(target: str, digest: str = "a" * 32, key: str = "order-1") -> Lettered:
    """A push under an idempotency key."""
    push_id = ids.derive_push_id("shop", key)
    return Lettered(push_id, target, b'{"t":1}', 60_000, digest, key)


def receipts_of(results: list) -> list[Receipt]:
    """The results, all of which must be receipts."""
    assert all(isinstance(result, Receipt) for result in results), results
    return results


def test_a_stored_push_stands_in_its_stream_and_is_pending(bench: Bench) -> None:
    """Header, body and slot say what was given."""
    (receipt,) = bench.send(["rid-1"], life_ms=5_000)
    ((_, fields),) = bench.client.xrange(bench.key("lane:transactional:regid"))
    entry = read_entry(fields[b"h"], fields[b"b"])
    assert (entry.push_id, entry.target, entry.ref) == (receipt.push_id, "rid-1", receipt.ref)
    assert entry.expires_at_ms == bench.now + 5_000
    assert bench.state(receipt) is State.PENDING
    assert bench.books().queued == 1


def test_each_lane_and_kind_has_its_own_stream(bench: Bench) -> None:
    """Nothing shares a stream that may not share a call."""
    for lane in Lane:
        for kind in Kind:
            bench.send(1, lane=lane, kind=kind)
    for lane in Lane:
        for kind in Kind:
            assert bench.client.xlen(bench.key(f"lane:{lane}:{kind}")) == 1


def test_a_repeat_of_the_same_request_changes_nothing_and_answers_the_same(bench: Bench) -> None:
    """As after an answer that got lost."""
    letters = bench.letters([f"rid{i}" for i in range(500)])
    first = bench.write(letters, run=bench.run)
    again = bench.write(letters, run=bench.run)
    assert again == first
    assert bench.books().enqueued == bench.books().queued == 500


def test_a_repeat_after_the_push_was_settled_changes_nothing(bench: Bench) -> None:
    """A late repeat meets the outcome, not an empty slot."""
    letters = bench.letters(["rid1"])
    (receipt,) = receipts_of(bench.write(letters, run=bench.run))
    assert bench.settle(bench.leased())
    assert bench.write(letters, run=bench.run) == [receipt]
    assert bench.state(receipt) is State.ACCEPTED
    assert bench.books().enqueued == 1


def test_a_request_may_repeat_some_pushes_and_bring_others(bench: Bench) -> None:
    """A receipt means stored, for each of them: those that came before stay, those that did not are stored now."""
    letters = bench.letters(list("abcde"))
    run = bench.run
    bench.write(letters[1:3], run=ids.SlotRun(run.bucket, run.first + 1, 2))
    assert bench.settle(bench.leased())
    receipts = receipts_of(bench.write(letters, run=run))
    assert bench.states(receipts) == [State.ACCEPTED if i in {1, 2} else State.PENDING for i in range(5)]
    books = bench.books()
    assert (books.enqueued, books.queued) == (5, 3)


def test_a_key_seen_again_with_the_same_content_is_a_duplicate_of_the_first(bench: Bench) -> None:
    """Across requests: the receipt names the slot of the first push."""
    (first,) = receipts_of(bench.write([keyed("rid1")]))
    (second,) = receipts_of(bench.write([keyed("rid1")]))
    assert (first.duplicate, second.duplicate) == (False, True)
    assert (second.push_id, second.ref) == (first.push_id, first.ref)
    assert bench.books().enqueued == 1


def test_a_key_seen_again_with_other_content_is_a_conflict(bench: Bench) -> None:
    """Nothing is stored for it, and the error shows no whole key."""
    bench.write([keyed("rid1", key="order-of-mr-smith")])
    (refused,) = bench.write([keyed("rid1", digest="b" * 32, key="order-of-mr-smith")])
    assert isinstance(refused, IdempotencyConflict)
    assert "order-of-mr-smith" not in str(refused)
    assert bench.books().enqueued == 1


def test_one_request_may_hold_a_key_several_times(bench: Bench) -> None:
    """Stored, duplicate, conflict, and a plain push behind them, in their order; the repeat answers alike."""
    letters = [keyed("rid1"), keyed("rid1"), keyed("rid1", digest="b" * 32), keyed("rid2", "c" * 32, "order-2")]
    run = bench.slots.take(4)
    results = bench.write(letters, run=run)
    assert [getattr(result, "duplicate", "conflict") for result in results] == [False, True, "conflict", False]
    assert isinstance(results[2], IdempotencyConflict)
    first, duplicate, _, other = results
    assert isinstance(first, Receipt)
    assert isinstance(duplicate, Receipt)
    assert isinstance(other, Receipt)
    assert duplicate.ref == first.ref == ids.make_ref(run.bucket, run.first)
    assert other.ref == ids.make_ref(run.bucket, run.first + 3)
    repeated = bench.write(letters, run=run)
    assert [repeated[i] for i in (0, 1, 3)] == [results[i] for i in (0, 1, 3)]
    assert isinstance(repeated[2], IdempotencyConflict)
    assert bench.books().enqueued == 2


def test_a_duplicate_follows_the_first_push_to_its_outcome(bench: Bench) -> None:
    """Also by the id alone, through the idempotency record."""
    (first,) = receipts_of(bench.write([keyed("rid1")]))
    assert bench.settle(bench.leased())
    (second,) = receipts_of(bench.write([keyed("rid1")]))
    assert second.duplicate
    assert bench.states([first, second, Receipt(first.push_id, "shop", "")]) == [State.ACCEPTED] * 3


def test_a_keyed_push_carries_its_slot_in_its_trail(bench: Bench) -> None:
    """For the last slot name of a bucket too, where carries happen."""
    run = ids.SlotRun("0123456789ab", 4095, 1)
    (receipt,) = receipts_of(bench.write([keyed("rid1")], run=run))
    raw = bench.leased().entries[0]
    entry = read_entry(raw.header, raw.body, raw.trail)
    assert entry.ref == receipt.ref == ids.make_ref(run.bucket, 4095) == "0123456789ab3zz"
    assert (entry.attempts, entry.maybe_sent, entry.first_attempt_at_ms) == (0, False, 0)


def test_an_unknown_app_stores_nothing(bench: Bench) -> None:
    """The profile went away between the look-up and the write."""
    bench.client.delete(bench.key("profile"))
    (refused,) = bench.write(bench.letters(["rid1"]), run=bench.run)
    assert isinstance(refused, UnknownApp)
    assert bench.client.keys("push:*") == []


def test_a_full_app_stores_nothing_of_the_request(bench: Bench) -> None:
    """All or nothing, and the slots stay free for the repeat."""
    bench.use_limit(10)
    bench.send(8)
    letters = bench.letters(["a", "b", "c"])
    refused = bench.write(letters, run=bench.run)
    assert all(isinstance(each, QueueFull) and (each.pending, each.limit) == (8, 10) for each in refused)
    assert bench.books().enqueued == 8
    assert bench.settle(bench.leased())
    receipts_of(bench.write(letters, run=bench.run))
    assert bench.books().enqueued == 11


@pytest.mark.parametrize("delay", [60_000, 0])
def test_retries_count_as_pending(bench: Bench, delay: int) -> None:
    """Delayed ones, and those that came due and stand in a stream again."""
    bench.use_limit(4)
    bench.send(4)
    lease = bench.leased()
    settlement, plan = bench.open(lease)
    bench.judge.not_called(settlement, plan.call)
    settlement.retries = [replace(again, delay_ms=delay) for again in settlement.retries]
    assert bench.lanes.settle(settlement)
    bench.client.hset(bench.key("gate"), "throttled", int(bench.now) + 1)
    bench.advance(1_000)
    if not delay:
        # One of them is leased; the others stand in the stream of what came back.
        narrow = bench.another_worker(max_batch=1)
        assert len(bench.leased(lanes=narrow).entries) == 1
        assert bench.client.xlen(bench.key("again:transactional:regid")) == 1
    assert isinstance(bench.write(bench.letters(["more"]), run=bench.run)[0], QueueFull)


def test_the_bell_has_one_element_however_many_ring(bench: Bench) -> None:
    """And one per class."""
    for _ in range(3):
        bench.send(2)
        bench.send(2, lane=Lane.URGENT)
    assert bench.client.llen(bench.key("bell:push")) == 1
    assert bench.client.llen(bench.key("bell:urgent")) == 1
    assert bench.client.llen(bench.key("bell:bulk")) == 0


def test_duplicates_alone_ring_no_bell(bench: Bench) -> None:
    """There is nothing new to do."""
    bench.write([keyed("rid1")])
    bench.client.delete(bench.key("bell:push"))
    bench.write([keyed("rid1")])
    assert bench.client.exists(bench.key("bell:push")) == 0


def test_slots_and_keys_have_an_end(bench: Bench) -> None:
    """Whatever enqueue writes beside the lanes expires by itself."""
    bench.write([keyed("rid1")])
    bench.send(1)
    names = [*bench.client.keys(bench.key("slots:*")), *bench.client.keys(bench.key("idem:*"))]
    assert len(names) >= 2
    assert all(89_000 < bench.client.ttl(name) <= 90_000 for name in names)


def test_an_error_of_the_script_says_that_nothing_was_stored(bench: Bench) -> None:
    """A key of the wrong type is met before the first write."""
    bench.client.set(bench.key("lane:urgent:regid"), "not a stream")
    (failed,) = bench.write(bench.letters(["rid1"]), run=bench.run)
    assert isinstance(failed, BrokerUnavailable)
    assert not failed.maybe_stored
    bench.client.delete(bench.key("lane:urgent:regid"))
    assert bench.books().enqueued == 0
