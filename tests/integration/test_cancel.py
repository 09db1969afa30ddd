"""Cancel: what never left stays here, what may have left is not promised, what is over stays as it is."""

from collections.abc import Callable

import pytest

from producers import ids, keys
from producers.cancelling import Cancellation, Fate, TooManyCancellations, cancel_push
from producers.contract import Lane
from producers.errors import InvalidPush
from producers.intake import Lettered
from producers.outcomes import State
from producers.producer import Producer
from producers.receipts import Receipt
from tests.lanes_fixture import APP, Bench, accept_all, batch_answer, fault
from worker.api import BatchAnswer, ErrorClass
from worker.lanes import AskAgain, Leave

MakeBench = Callable[..., Bench]


def failing(kind: ErrorClass) -> Callable[[object], BatchAnswer]:
    """A vendor that fails the whole call."""
    return lambda _: batch_answer(whole=fault(kind))


def cancel(bench: Bench, receipt: Receipt, **options: int) -> Cancellation:
    """Cancel the push of a receipt."""
    return cancel_push(bench.redis, bench.profile, receipt.push_id, **options)


def delay(bench: Bench, kind: ErrorClass) -> Receipt:
    """One push that waits for a retry."""
    (receipt,) = bench.send(1)
    assert bench.settle(bench.leased(), failing(kind))
    assert bench.books().delayed == 1
    return receipt


def drain(bench: Bench) -> None:
    """Ask until nothing is left; nothing may be handed out."""
    while isinstance(answer := bench.lease(), AskAgain):
        pass
    assert isinstance(answer, Leave), answer


def test_a_retry_that_was_never_sent_is_cancelled_at_once(bench: Bench) -> None:
    """It leaves the delayed set, its slot says so, and the books agree."""
    receipt = delay(bench, ErrorClass.UNSENT)
    answer = cancel(bench, receipt)
    assert (answer.fate, answer.state, answer.is_effective) == (Fate.CANCELLED, State.CANCELLED, True)
    status = bench.outcomes.of(receipt)
    assert (status.state, status.attempts, status.at_seconds) == (State.CANCELLED, 1, 1_800_000_000)
    books = bench.books()
    assert (books.cancelled, books.delayed) == (1, 0)
    left = [bench.key(name) for name in ("cancelled", "later:transactional:regid", "body:transactional:regid")]
    assert not bench.client.exists(*left)
    bench.advance(3_600_000)
    drain(bench)


@pytest.mark.parametrize("lane", Lane)
def test_a_queued_push_is_dropped_at_its_turn(bench: Bench, lane: Lane) -> None:
    """Its neighbours are not."""
    first, second = bench.send(2, lane=lane)
    answer = cancel(bench, first)
    assert (answer.fate, answer.state, answer.is_effective) == (Fate.MARKED, State.PENDING, True)
    assert bench.books().queued == 2
    lease = bench.leased()
    assert len(lease.entries) == 1
    assert bench.settle(lease)
    assert bench.states([first, second]) == [State.CANCELLED, State.ACCEPTED]
    assert bench.books().cancelled == 1


def test_a_push_in_flight_is_marked_and_its_retry_never_leaves(bench: Bench) -> None:
    """What the call does is not undone; what would come after it is."""
    (receipt,) = bench.send(1)
    lease = bench.leased()
    assert cancel(bench, receipt).fate is Fate.MARKED
    assert bench.settle(lease, failing(ErrorClass.UNSENT))
    bench.advance(60_000)
    drain(bench)
    assert bench.state(receipt) is State.CANCELLED
    assert bench.books().cancelled == 1


def test_a_push_that_may_have_been_sent_ends_as_unknown(bench: Bench) -> None:
    """Cancelled would promise more than anybody knows."""
    receipt = delay(bench, ErrorClass.AMBIGUOUS)
    assert cancel(bench, receipt).fate is Fate.MARKED
    assert bench.books().delayed == 1
    bench.advance(60_000)
    assert bench.settle(bench.leased())
    assert bench.state(receipt) is State.UNKNOWN
    books = bench.books()
    assert (books.unknown, books.called) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "state"), [(accept_all, State.ACCEPTED), (failing(ErrorClass.PERMANENT), State.REJECTED)]
)
def test_what_has_an_outcome_keeps_it(bench: Bench, answer: Callable[..., BatchAnswer], state: State) -> None:
    """Nothing is written at all."""
    (receipt,) = bench.send(1)
    assert bench.settle(bench.leased(), answer)
    before = {name: bench.client.dump(name) for name in bench.client.keys("push:*")}
    found = cancel(bench, receipt)
    assert (found.fate, found.state, found.is_effective) == (Fate.TOO_LATE, state, False)
    assert {name: bench.client.dump(name) for name in bench.client.keys("push:*")} == before


@pytest.mark.parametrize("kind", [ErrorClass.UNSENT, None])
def test_cancelling_twice_is_cancelling_once(bench: Bench, kind: ErrorClass | None) -> None:
    """At once or by a mark."""
    receipt = delay(bench, kind) if kind else bench.send(1)[0]
    first = cancel(bench, receipt)
    before = {name: bench.client.dump(name) for name in bench.client.keys("push:*")}
    bench.advance(1_000)
    assert cancel(bench, receipt) == first
    assert {name: bench.client.dump(name) for name in bench.client.keys("push:*")} == before


def test_what_nobody_knows_is_said_to_be_unknown(bench: Bench) -> None:
    """Of a random and of a derived id."""
    for push_id in (ids.SlotRun("0" * 12, 1, 1).push_ids(1)[0], ids.derive_push_id(APP, "never")):
        found = cancel_push(bench.redis, bench.profile, push_id)
        assert (found.fate, found.state) == (Fate.UNKNOWN_ID, State.ABSENT)
    assert not bench.client.exists(bench.key("cancelled"))


def test_a_push_with_an_idempotency_key_is_found_by_its_record(bench: Bench) -> None:
    """Its id names no slot."""
    push_id = ids.derive_push_id(APP, "order-7")
    (receipt,) = bench.write([Lettered(push_id, "rid1", b"{}", 60_000, "0" * 32, "", "order-7")])
    assert isinstance(receipt, Receipt)
    assert cancel(bench, receipt).fate is Fate.MARKED
    drain(bench)
    assert bench.state(receipt) is State.CANCELLED
    assert bench.books().cancelled == 1


def test_marks_end_with_the_outcomes_that_they_are_for(bench: Bench) -> None:
    """Each call removes the old ones."""
    old, new = bench.send(2, life_ms=10**9)
    cancel(bench, old)
    bench.advance(bench.profile.outcome_seconds * 1000)
    assert cancel(bench, new).fate is Fate.MARKED
    assert bench.client.zrange(bench.key("cancelled"), 0, -1) == [new.push_id.encode()]


def test_there_are_only_so_many_marks(bench: Bench) -> None:
    """One too many is refused with a typed error; a repeat of an old one, and what needs no mark, are not."""
    delayed = delay(bench, ErrorClass.UNSENT)
    first, second = bench.send(2)
    assert cancel(bench, first, marks_kept=1).fate is Fate.MARKED
    with pytest.raises(TooManyCancellations, match="remembers no more"):
        cancel(bench, second, marks_kept=1)
    assert bench.client.zcard(bench.key("cancelled")) == 1
    assert cancel(bench, first, marks_kept=1).fate is Fate.MARKED
    assert cancel(bench, delayed, marks_kept=1).fate is Fate.CANCELLED
    bench.books()


@pytest.mark.parametrize("push_id", ["", "short", "k" * 25, 7])
def test_what_is_no_id_is_refused(bench: Bench, push_id: str) -> None:
    """Before Redis is asked."""
    with pytest.raises(InvalidPush, match="push_id"):
        cancel_push(bench.redis, bench.profile, push_id)


def test_the_producer_cancels(make_real_bench: MakeBench, redis_server) -> None:
    """With the life of outcomes that the workers of the app tell."""
    bench = make_real_bench()
    bench.client.sadd(keys.APPS, APP)
    producer = Producer(redis_server.url)
    receipt = producer.send(app=APP, registration_id="rid1", notification="hi", platform="android")
    assert producer.cancel(receipt.push_id, app=APP).fate is Fate.MARKED
    with pytest.raises(InvalidPush, match="push_id"):
        producer.cancel("nothing", app=APP)
    producer.close()


def test_a_full_redis_still_takes_a_cancellation(make_real_bench: MakeBench) -> None:
    """It is what makes room."""
    bench = make_real_bench()
    receipt = delay(bench, ErrorClass.UNSENT)
    (queued,) = bench.send(1)
    bench.client.config_set("maxmemory", 1)
    try:
        assert cancel(bench, receipt).fate is Fate.CANCELLED
        assert cancel(bench, queued).fate is Fate.MARKED
    finally:
        bench.client.config_set("maxmemory", 0)
    assert bench.books().cancelled == 1
