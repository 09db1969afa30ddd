"""A Redis that answers and refuses: full, read-only, unable to save. Producers are told, workers come back."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from config.embedded import EmbeddedRedis
from producers import BrokerUnavailable, PushError, QueueFull, keys
from producers.producer import Producer
from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, sends, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

PENDING = 2_000
PROMPT_SECONDS = 1.5
"""A producer's deadline is one second."""
NUMBERS = {"call_deadline_ms": 1_000, "lease_ms": 3_000, "retry_base_ms": 100}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A system with work to do; a second passes before the worker has done half of it."""
    options = SandboxOptions(quota=1_000, latency_ms=20)
    with Stack(tmp_path, sandbox=options, delivery=NUMBERS) as running:
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    """What an operator does to the stack's Redis."""
    with stack.redis.client() as connected:
        yield connected


def refused(call: Callable[[], Any]) -> PushError:
    """The typed error of a call that must fail, in bounded time."""
    began = time.monotonic()
    with pytest.raises(PushError) as caught:
        call()
    assert time.monotonic() - began < PROMPT_SECONDS
    return caught.value


def send_one(producer: Producer) -> Callable[[], Any]:
    """A send that nobody may store."""
    return lambda: producer.send(app="shop", registration_id="rid_refused", notification="refused")


def stored(stack: Stack, producer: Producer) -> list[str]:
    """Push ids of the work to do; its delivery has begun."""
    report = producer.send_many(sends("before", PENDING), app="shop")
    until(lambda: stack.books().accepted > 0, what="the first deliveries")
    return [receipt.push_id for receipt in report.receipts]


def assert_recovered(stack: Stack, producer: Producer, push_ids: list[str]) -> None:
    """Everything with a receipt arrives once, new pushes too, and the worker is the one that was started."""
    until(lambda: _is_taken(producer), what="a send that is taken again")
    books = stack.wait_drained(timeout=40)
    (again,) = [row["cid"] for row in stack.sandbox.deliveries("shop", target="rid_again")]
    assert_each_once(stack, [*push_ids, again])
    assert (books.accepted, assert_balanced(stack)) == (len(push_ids) + 1, books)
    assert stack.workers[0].is_running
    assert stack.sandbox.deliveries("shop", target="rid_refused") == []


def _is_taken(producer: Producer) -> bool:
    try:
        producer.send(app="shop", registration_id="rid_again", notification="taken again")
    except PushError:
        return False
    return True


def test_a_full_redis_tells_producers_and_lets_workers_drain_it(stack, client):
    """At `maxmemory` a send is `QueueFull` at once, what is stored is delivered all the same, and memory that comes
    back is used.
    """
    producer = stack.producer()
    push_ids = stored(stack, producer)
    client.config_set("maxmemory", 1)
    error = refused(send_one(producer))
    many = producer.send_many(sends("full", 100), app="shop")
    books = stack.wait_drained(timeout=20)

    assert isinstance(error, QueueFull)
    assert error.pending is None
    assert {type(each) for each in many.errors.values()} == {QueueFull}
    assert (many.receipts, books.accepted, books.drift) == ([], PENDING, 0)
    client.config_set("maxmemory", 0)
    assert_recovered(stack, producer, push_ids)


def test_the_watermark_answers_queue_full_before_the_memory_is_used_up(stack, client):
    """Beyond 90 % of `maxmemory` producers are told to slow down, while Redis still takes every command."""
    producer = stack.producer()
    push_ids = stored(stack, producer)
    client.hset(keys.gate("shop"), "paused", "1")
    until(lambda: not stack.books().leased, what="the end of the calls in flight")
    used = client.info("memory")["used_memory"]
    limit = int(used / 0.93)
    client.config_set("maxmemory", limit)
    until(lambda: client.exists(keys.full("shop")), what="the mark")
    error = refused(send_one(producer))

    assert isinstance(error, QueueFull)
    assert error.pending is None
    assert client.info("memory")["used_memory"] < limit
    assert client.set("proof:that-there-is-room", "1")
    client.delete("proof:that-there-is-room")
    client.hdel(keys.gate("shop"), "paused")
    client.config_set("maxmemory", 0)
    assert_recovered(stack, producer, push_ids)


def assert_refused_and_recovered(stack: Stack, break_it: Callable[[], Any], mend_it: Callable[[], Any]) -> None:
    """While no write is taken, producers learn that nothing was stored; afterwards all goes on where it stood."""
    producer = stack.producer()
    push_ids = stored(stack, producer)
    break_it()
    error = refused(send_one(producer))
    many = producer.send_many(sends("refused", 100), app="shop")
    until(lambda: not stack.books().leased or "push.slice.broken" in stack.workers[0].log(), what="the worker's notice")
    time.sleep(1.0)
    mend_it()

    assert isinstance(error, BrokerUnavailable)
    assert error.maybe_stored is False
    assert {each.maybe_stored for each in many.errors.values() if isinstance(each, BrokerUnavailable)} == {False}
    assert (many.receipts, len(many.errors)) == ([], 100)
    assert_recovered(stack, producer, push_ids)


def test_a_read_only_redis_stores_nothing_and_is_used_again_when_it_is_master(stack, client, tmp_path):
    """A replica answers READONLY, as after a failover to somewhere else: nothing is stored, and nothing lost."""
    with EmbeddedRedis(tmp_path / "other") as other:

        def demote() -> None:
            # The other one knows nothing, so it must first have what it would pass on.
            copy(stack, other)
            client.execute_command("REPLICAOF", "127.0.0.1", str(other.port))
            until(lambda: client.info("replication")["master_link_status"] == "up", what="the replica")

        assert_refused_and_recovered(stack, demote, lambda: client.execute_command("REPLICAOF", "NO", "ONE"))


def copy(stack: Stack, other: EmbeddedRedis) -> None:
    """Make `other` a replica until it has everything, and a master again; nothing is delivered meanwhile."""
    stack.workers[0].pause()
    with other.client() as target, stack.redis.client() as source:
        for each in (source, target):
            # Otherwise a master waits five seconds for more replicas.
            each.config_set("repl-diskless-sync-delay", 0)
        target.execute_command("REPLICAOF", "127.0.0.1", str(stack.redis.port))
        until(lambda: target.info("replication").get("master_link_status") == "up", what="the copy")
        target.execute_command("REPLICAOF", "NO", "ONE")
    stack.workers[0].resume()


def test_a_redis_without_its_replicas_stores_nothing_and_goes_on_when_they_are_back(stack, client):
    """With fewer replicas than it must have, Redis answers NOREPLICAS."""
    assert_refused_and_recovered(
        stack,
        lambda: client.config_set("min-replicas-to-write", 1),
        lambda: client.config_set("min-replicas-to-write", 0),
    )


def test_a_redis_that_cannot_save_stores_nothing_and_goes_on_when_it_can(stack, client):
    """After a snapshot that failed Redis answers MISCONF until one succeeds."""
    snapshot = stack.redis.data_dir / "dump.rdb"

    def fail_to_save() -> None:
        # A folder in the place of the snapshot: not even root can write a file there.
        snapshot.mkdir()
        (snapshot / "in the way").touch()
        client.config_set("save", "3600 1")
        client.config_set("stop-writes-on-bgsave-error", "yes")
        client.bgsave()
        until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", what="the failed snapshot")

    def save() -> None:
        shutil.rmtree(snapshot)
        client.bgsave()
        until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", what="a snapshot")

    assert_refused_and_recovered(stack, fail_to_save, save)
