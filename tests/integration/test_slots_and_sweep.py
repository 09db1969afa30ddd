"""Open slots, leaving, the sweep and the life of dead letters; and all of it on a Redis without free memory."""

from collections.abc import Callable, Iterator

import pytest
import redis

from config.embedded import EmbeddedRedis
from producers import keys
from producers.contract import Kind, Lane, LaneClass
from producers.errors import QueueFull
from producers.outcomes import State
from tests.lanes_fixture import APP, Bench, batch_answer, connect, fault
from worker.api import ErrorClass, TargetResult
from worker.bell import BellListener, Duties
from worker.lanes import Leave
from worker.retention import TRIM_DEAD, trim_dead_letters

MakeBench = Callable[..., Bench]


def bells(bench: Bench) -> set[str]:
    """Which classes were rung; silences them."""
    rung = {each for each in LaneClass if bench.client.llen(bench.key(f"bell:{each}"))}
    for each in LaneClass:
        bench.client.delete(bench.key(f"bell:{each}"))
    return {str(each) for each in rung}


def sweep(bench: Bench) -> int:
    """One tick; the claim of the last one is over."""
    bench.client.delete(bench.key("swept"))
    return bench.lanes.sweep(900)


def test_no_more_slots_open_than_allowed(bench: Bench) -> None:
    """Per class; opening one again is one opening."""
    assert all(bench.lanes.open_slot(LaneClass.PUSH, f"s{i}") for i in range(8))
    assert not bench.lanes.open_slot(LaneClass.PUSH, "s8")
    assert bench.lanes.open_slot(LaneClass.PUSH, "s3")
    assert bench.lanes.open_slot(LaneClass.URGENT, "s8")
    bench.lanes.close_slot(LaneClass.PUSH, "s0")
    assert bench.lanes.open_slot(LaneClass.PUSH, "s8")


def test_a_slot_whose_slice_died_lapses(bench: Bench) -> None:
    """The slice's second and two more."""
    for i in range(8):
        bench.lanes.open_slot(LaneClass.PUSH, f"s{i}")
    bench.advance(2_900)
    assert not bench.lanes.open_slot(LaneClass.PUSH, "s8")
    bench.advance(100)
    assert bench.lanes.open_slot(LaneClass.PUSH, "s8")


def test_asking_for_work_keeps_the_slot(bench: Bench) -> None:
    """A slice that goes on is not lapsed."""
    bench.send(100)
    bench.lanes.open_slot(LaneClass.PUSH, "s1")
    bench.advance(2_900)
    bench.leased(slot="s1")
    bench.advance(2_900)
    bench.client.zremrangebyscore(bench.key("open:push"), "-inf", bench.now)
    assert bench.client.zcard(bench.key("open:push")) == 1


def test_leaving_rings_where_work_is_left(bench: Bench) -> None:
    """And only there; the slot is free."""
    bench.lanes.open_slot(LaneClass.PUSH, "s1")
    bench.send(1)
    bells(bench)
    bench.lanes.leave(LaneClass.PUSH, "s1")
    assert bells(bench) == {"push"}
    assert bench.client.zcard(bench.key("open:push")) == 0
    bench.settle(bench.leased())
    bench.lanes.leave(LaneClass.PUSH, "s1")
    assert bells(bench) == set()


def test_a_waiter_that_leaves_covers_nobody(bench: Bench) -> None:
    """Its time is over; the next one waits itself."""
    bench.send(1)
    bench.settle(bench.leased())
    bench.send(1)
    bench.lease(slot="s2")
    assert bench.lease(slot="s3") == Leave("covered")
    bench.lanes.leave(LaneClass.PUSH, "s2")
    assert bench.lease(slot="s3") != Leave("covered")


def test_one_worker_sweeps_per_tick(bench: Bench) -> None:
    """The others are told so."""
    assert bench.lanes.sweep(60_000) == 0
    assert bench.lanes.sweep(60_000) == -1


def test_the_sweep_finds_queued_work_whose_bell_was_lost(bench: Bench) -> None:
    """In its own class."""
    bench.send(1)
    bench.send(1, lane=Lane.URGENT)
    bells(bench)
    assert sweep(bench) == 2
    assert bells(bench) == {"push", "urgent"}


def test_the_sweep_finds_due_retries_and_no_earlier_ones(bench: Bench) -> None:
    """Nothing else wakes them."""
    bench.send(1, lane=Lane.URGENT, kind=Kind.SINGLE)
    bench.settle(bench.leased(), lambda _: batch_answer(whole=fault(ErrorClass.TRANSIENT, 21030)))
    bells(bench)
    bench.advance(300)
    assert sweep(bench) == 0
    bench.advance(800)
    assert sweep(bench) == 1
    assert bells(bench) == {"urgent"}


def test_the_sweep_finds_dead_leases(bench: Bench) -> None:
    """After their deadline, for the class of their lane."""
    bench.send(1)
    bench.leased()
    bells(bench)
    bench.advance(14_999)
    assert sweep(bench) == 0
    bench.advance(1)
    assert sweep(bench) == 1
    assert bells(bench) == {"push"}


def test_old_dead_letters_are_purged_and_counted(bench: Bench) -> None:
    """The books still agree, and the young ones stay."""
    lane = bench.key("lane:transactional:regid")
    for _ in range(5):
        bench.client.xadd(lane, {"h": "junk", "b": "{}"})
        bench.settle(bench.leased())
        bench.advance(30)
    ids = [name.decode() for name, _ in bench.client.xrange(bench.key("dead"))]
    purged = int(bench.redis.run(TRIM_DEAD, keys.prefix(APP), [ids[3], 2]))
    assert purged == 2
    assert int(bench.redis.run(TRIM_DEAD, keys.prefix(APP), [ids[3], 2])) == 1
    assert int(bench.redis.run(TRIM_DEAD, keys.prefix(APP), [ids[3], 2])) == 0
    books = bench.books()
    assert (books.dead, books.purged) == (2, 3)
    assert trim_dead_letters(bench.redis, APP, 1) == 0


def test_every_key_is_in_the_registry(bench: Bench) -> None:
    """With the type that it declares."""
    bench.send(3)
    bench.settle(bench.leased(), lambda _: batch_answer(whole=fault(ErrorClass.TRANSIENT, 21030)))
    bench.client.xadd(bench.key("lane:urgent:alias"), {"h": "junk", "b": "{}"})
    bench.settle(bench.leased())
    bench.send(1, lane=Lane.URGENT)
    bench.lanes.note_messages({20101: "invalid"})
    bench.lanes.sweep(60_000)
    bench.leased()
    for name in bench.client.keys("push:*"):
        spec = keys.spec_of(name.decode())
        assert spec is not None, name
        assert spec.type == bench.client.type(name).decode(), name


# -- memory


@pytest.fixture
def full_redis(redis_client: redis.Redis, redis_server: EmbeddedRedis) -> Iterator[Callable[[], None]]:
    """Makes the real Redis refuse whatever could need memory."""

    def fill() -> None:
        redis_client.config_set("maxmemory-policy", "noeviction")
        redis_client.config_set("maxmemory", "1mb")

    yield fill
    redis_client.config_set("maxmemory", "0")


def test_a_full_redis_refuses_sends_and_delivers_what_it_has(
    redis_client: redis.Redis, full_redis: Callable[[], None]
) -> None:
    """Enqueue says so and stores nothing; lease, renew, settle, leave, sweep and purge go on."""
    store = connect(redis_client)
    bench = Bench(store, redis_client)
    receipts = bench.send(4)
    bench.send(1, lane=Lane.URGENT)
    first = bench.leased(slot="dying")
    assert first.lane == Lane.URGENT
    letters = bench.letters(["more"])
    full_redis()
    assert isinstance(bench.write(letters, run=bench.run)[0], QueueFull)
    assert bench.lanes.open_slot(LaneClass.PUSH, "s1")
    lease = bench.leased(slot="s1")
    assert isinstance(bench.lanes.renew(lease.token), str)
    assert bench.settle(lease, lambda t: batch_answer({t[0]: TargetResult("1")}, fault(ErrorClass.TRANSIENT, 21030)))
    bench.lanes.leave(LaneClass.PUSH, "s1")
    redis_client.config_set("maxmemory", "0")
    bench.advance(15_000)
    full_redis()
    bells(bench)
    assert bench.lanes.sweep(900) == 2
    assert bells(bench) == {"push", "urgent"}
    assert bench.settle(bench.leased(slot="s2"))
    bench.settle(bench.leased(slot="s2"))
    bench.lanes.note_messages({21030: "the vendor's words"})
    assert bench.states(receipts) == [State.ACCEPTED] * 4
    assert bench.books().enqueued == 5
    store.close()


def test_a_bell_rings_although_the_apps_cannot_be_registered(bench: Bench) -> None:
    """A full Redis refuses the profiles; the sweep and the bells must not stop with them."""
    from producers.connection import MemoryFull

    published: list[tuple[str, LaneClass]] = []

    def refuse() -> None:
        raise MemoryFull("OOM command not allowed")

    bench.send(1)
    bells(bench)
    listener = BellListener(
        bench.redis,
        {APP: bench.lanes},
        lambda app, lane_class, _: published.append((app, lane_class)),
        Duties(refuse, print),
    )
    listener.start()
    try:
        for _ in range(100):
            if published:
                break
            listener._stopping.wait(0.03)
    finally:
        listener.stop()
    assert published == [(APP, LaneClass.PUSH)]
