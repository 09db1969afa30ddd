"""Two hours of pushes that nobody wants any more lie in front of those that somebody does."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from producers import Producer, Receipt, State, ids, keys
from producers.entry import Entry
from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, report_figures, until
from tests.lanes_fixture import Bench, connect, push_ids_of
from worker.lanes import AskAgain
from worker.planner import Lease

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

PREFIX = keys.prefix("shop")
STREAM = PREFIX + "lane:transactional:regid"
BUCKET_SLOTS = 4_096
BACKLOG_MS = 2 * 3_600_000
LIFE_MS = 600_000
FRESH = 50
FRESH_SECONDS = 1.0
SCRIPT_MS = 10.0
LOGGED_FROM_US = 500
STORED = b"\x01" + bytes(15)


@dataclass(frozen=True)
class Found:
    """What one run showed. Script times are those of all worker scripts above half a millisecond."""

    fresh_seconds: float
    later_seconds: float
    whole_seconds: float
    script_ms: list[float]

    def row(self, count: int) -> str:
        """A line for the output."""
        typical, worst = self.script_ms[len(self.script_ms) * 95 // 100], self.script_ms[-1]
        return (
            f"{count} expired: fresh pushes out after {self.fresh_seconds:.2f} s, later ones after "
            f"{self.later_seconds:.2f} s, all dropped after {self.whole_seconds:.1f} s; "
            f"script p95 {typical:.1f} ms, worst {worst:.1f} ms"
        )


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.load)])
def test_fresh_pushes_pass_a_backlog_of_expired_ones_within_a_second(tmp_path, capsys, count):
    """Pushes enqueued behind a 2-hour backlog of expired ones are delivered at once; those are dropped and cost no
    quota, and no script holds up Redis meanwhile.
    """
    with Stack(tmp_path, sandbox=SandboxOptions(quota=500)) as stack, stack.redis.client() as client:
        found = drop(stack, client, count)
        report_figures(capsys, found.row(count))

        books = assert_balanced(stack)
        assert (books.expired, books.accepted, books.enqueued) == (count, 2 * FRESH, count + 2 * FRESH), books
        assert stack.sandbox.counts("shop")["units_asked"] == 2 * FRESH
        assert client.xlen(STREAM) == 0
    assert max(found.fresh_seconds, found.later_seconds) < FRESH_SECONDS
    assert found.script_ms[len(found.script_ms) * 95 // 100] < SCRIPT_MS


def test_what_lives_among_expired_pushes_is_delivered_and_counted_once(redis_client):
    """A backlog of mixed lives, fresh pushes behind it, leases whose holders die: each push has its one outcome, and
    the fresh ones do not wait for the end of the backlog.
    """
    with contextlib.closing(connect(redis_client)) as store:
        bench = Bench(store, redis_client, rate=100_000)
        old, alive = [], []
        for _ in range(40):
            old += bench.send(120, life_ms=60_000)
            alive += bench.send(3)
            bench.advance(1_000)
        old += bench.send(6_000, life_ms=60_000)
        bench.advance(120_000)
        fresh = bench.send(30)
        leases = drain(bench)

        assert set(bench.states(old)) == {State.EXPIRED}
        assert set(bench.states(alive + fresh)) == {State.ACCEPTED}
        books = bench.books()
        assert (books.expired, books.accepted, books.pending) == (len(old), len(alive) + 30, 0)
        assert redis_client.xlen(STREAM) == 0
        first_fresh = next(at for at, ids_of in enumerate(leases) if fresh[0].push_id in ids_of)
        assert first_fresh < 5 < len(leases)


def drain(bench: Bench) -> list[list[str]]:
    """Lease and settle to the end; every third holder dies first. Push ids of each lease, in order."""
    leases: list[list[str]] = []
    while bench.books().pending:
        answer = bench.lease()
        if not isinstance(answer, Lease):
            if not isinstance(answer, AskAgain):
                bench.advance(bench.settings.lease_ms)
            continue
        leases.append(push_ids_of(answer))
        if len(leases) % 3 or answer.take_overs:
            assert bench.settle(answer)
        bench.advance(bench.settings.linger_ms)
    return leases


def drop(stack: Stack, client: redis.Redis, count: int) -> Found:
    """Open the gate in front of `count` expired pushes with fresh ones behind them, and watch."""
    client.hset(keys.gate("shop"), "paused", "1")
    prefill(client, count)
    producer = stack.producer(deadline_seconds=5.0)
    first = send(producer, "fresh")
    client.config_set("slowlog-max-len", 100_000)
    client.config_set("slowlog-log-slower-than", LOGGED_FROM_US)
    client.slowlog_reset()
    began = time.monotonic()
    with client.pipeline(transaction=True) as opening:
        opening.hdel(keys.gate("shop"), "paused")
        opening.rpush(keys.bell("shop", "push"), "1")
        opening.execute()
    fresh_seconds = until(lambda: stack.books().accepted >= FRESH, within=120, what="the fresh pushes")
    later = send(producer, "later")
    later_seconds = until(lambda: stack.books().accepted >= 2 * FRESH, within=120, what="those sent meanwhile")
    assert stack.wait_drained(timeout=300).drift == 0
    whole_seconds = time.monotonic() - began
    assert_each_once(stack, [receipt.push_id for receipt in [*first, *later]])
    return Found(fresh_seconds, later_seconds, whole_seconds, script_times(client))


def send(producer: Producer, mark: str) -> list[Receipt]:
    """Some pushes into the stream of the backlog."""
    pushes = [{"registration_id": f"rid_{mark}_{i}", "notification": f"{mark} {i}"} for i in range(FRESH)]
    return producer.send_many(pushes, app="shop").receipts


def script_times(client: redis.Redis) -> list[float]:
    """Milliseconds of the scripts that Redis logged as slow, in rising order."""
    entries = client.slowlog_get(100_000)
    return sorted(row["duration"] / 1000 for row in entries if row["command"].startswith(b"EVALSHA"))


def prefill(client: redis.Redis, count: int) -> None:
    """Lay pushes into the lane as producers did during two hours, counts and outcome slots included."""
    now = int(time.time() * 1000)
    for start in range(0, count, BUCKET_SLOTS):
        many = min(BUCKET_SLOTS, count - start)
        bucket = ids.make_ref(f"{start // BUCKET_SLOTS:012d}", 0)[: ids.BUCKET_LENGTH]
        with client.pipeline(transaction=False) as pipe:
            for stream_id, entry in backlog(bucket, start, many, count, now):
                pipe.xadd(STREAM, {"h": entry.header(), "b": entry.body}, id=stream_id)
            pipe.set(keys.bucket("shop", bucket), STORED * many)
            pipe.hincrby(PREFIX + "counts", "enqueued", many)
            pipe.execute()


def backlog(bucket: str, start: int, many: int, count: int, now: int) -> Iterator[tuple[str, Entry]]:
    """Stream ids and entries of one bucket; the youngest has expired a minute ago."""
    run = ids.SlotRun(bucket, 0, many)
    for index, push_id in enumerate(run.push_ids(now - BACKLOG_MS)):
        at = now - BACKLOG_MS + (BACKLOG_MS - LIFE_MS - 60_000) * (start + index) // count
        target = f"rid_old_{start + index}"
        body = b'{"target":"%b","platform":"all","notification":{"alert":"old"}}' % target.encode()
        yield f"{at}-{index + 1}", Entry(push_id, target, body, at + LIFE_MS, ids.slot_ref(push_id))
