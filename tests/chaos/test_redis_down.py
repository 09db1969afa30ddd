"""Redis dies, or stands still: a receipt stays a receipt, and an error says what is known."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from producers import BrokerUnavailable, Receipt, SendReport, State, contract, ids
from producers.producer import Producer
from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import Send, assert_balanced, assert_each_once, report_figures, sends, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

SHORT = {"call_deadline_ms": 1_000, "lease_ms": 3_000}
PUSHES = 10_000
CHUNK = 250
DOWN_SECONDS = 1.5


class Application:
    """A sender that repeats what is in doubt under its first ids, until every push has its receipt."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.push_ids: list[str] = []
        self.repeated = 0

    def store(self, chunk: list[Send]) -> None:
        """Store all of `chunk`, whatever happens meanwhile."""
        push_ids: list[str] | None = None
        while True:
            try:
                report = self._producer.send_many(chunk, app="shop", push_ids=push_ids)
            except BrokerUnavailable:
                continue
            push_ids = [id_of(result) for result in report.results]
            if not report.errors:
                self.push_ids += push_ids
                return
            self.repeated += len(errors_of(report))


def errors_of(report: SendReport) -> list[BrokerUnavailable]:
    """The items that Redis did not answer for; there are no other errors."""
    errors = list(report.errors.values())
    assert all(isinstance(error, BrokerUnavailable) for error in errors), errors
    return [error for error in errors if isinstance(error, BrokerUnavailable)]


def await_accepted(stack: Stack, count: int) -> None:
    """Wait until so many pushes were accepted."""
    until(lambda: stack.books().accepted >= count, within=20, what=f"{count} deliveries")


def id_of(result: Receipt | Exception) -> str:
    """The push id of an item, stored or in doubt."""
    assert isinstance(result, Receipt | BrokerUnavailable), result
    return str(result.push_id)


def _die_and_come_back(stack: Stack) -> None:
    stack.redis.kill()
    # Longer than the producer's own patience, which would otherwise hide the death from the application.
    time.sleep(DOWN_SECONDS)
    stack.redis.start()


def test_a_killed_redis_costs_no_push_and_doubles_none(tmp_path):
    """With appendfsync always, Redis dies by `kill -9` amid enqueueing and delivery: 10,000 sends arrive once each."""
    options = SandboxOptions(quota=3_000, latency_ms=50)
    with Stack(tmp_path, workers=2, sandbox=options, delivery=SHORT, appendfsync="always") as stack:
        application = Application(stack.producer())
        everything = sends("crash", PUSHES)
        application.store(everything[:CHUNK])
        await_accepted(stack, CHUNK // 2)
        killer = threading.Thread(target=_die_and_come_back, args=(stack,))
        for first in range(CHUNK, PUSHES, CHUNK):
            if first == PUSHES // 4:
                killer.start()
            application.store(everything[first : first + CHUNK])
        killer.join()
        books = stack.wait_drained()

        assert application.repeated > 0, "Redis did not die amid an enqueue, so the test showed nothing"
        assert_each_once(stack, application.push_ids)
        assert (books.accepted, assert_balanced(stack)) == (PUSHES, books)


def test_redis_killed_while_leases_are_open_is_survived_by_both_workers(tmp_path):
    """Three deaths of Redis during delivery: leases and quota come back from the file, and each push goes once."""
    options = SandboxOptions(quota=1_000, latency_ms=100)
    with Stack(tmp_path, workers=2, sandbox=options, delivery=SHORT, appendfsync="always") as stack:
        report = stack.producer().send_many(sends("crashes", 4_000), app="shop")
        for accepted in (500, 1_500, 2_500):
            await_accepted(stack, accepted)
            stack.redis.kill()
            stack.redis.start()
        books = stack.wait_drained()

        assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
        assert (books.accepted, assert_balanced(stack)) == (4_000, books)
        assert all(worker.is_running for worker in stack.workers)


@pytest.mark.load
def test_plain_messages_survive_dying_redis_but_for_those_on_the_wire(tmp_path, capsys):
    """Redis dies five times amid plain Celery messages: none is doubled, and few are lost."""
    options = SandboxOptions(quota=1_000)
    with Stack(tmp_path, workers=2, sandbox=options, delivery=SHORT, appendfsync="always") as stack:
        push_ids = []
        for kill in range(5):
            # Its connections die with the server: a new application every time.
            with contextlib.closing(Celery("somebody-else", broker=stack.redis_url, set_as_current=False)) as foreign:
                for i in range(60):
                    task_id = f"crash-{kill}-{i}"
                    push = {"app": "shop", "registration_id": f"rid_{task_id}", "notification": f"message {task_id}"}
                    foreign.send_task(contract.TASK_SEND, kwargs=push, queue=contract.QUEUE_PUSH, task_id=task_id)
                    push_ids.append(ids.derive_push_id("shop", f"{task_id}/0"))
            stack.redis.kill()
            stack.redis.start()
            until(lambda: _has_consumers(stack), within=20, what="the workers' return")
        # What a worker had taken and not begun comes back when its time to be acknowledged is over, a minute later.
        with stack.redis.client() as client:
            # A crash can preserve kombu's lock on the restoring of messages, for five minutes by its default.
            client.delete("unacked_mutex")
        until(lambda: _is_settled(stack), within=120, what="the end of the last message")
        compared = stack.sandbox.check(cids=push_ids)
        report_figures(capsys, f"plain messages: {compared['missing']} of {len(push_ids)} lost in 5 deaths of Redis")

        assert all(worker.is_running for worker in stack.workers)
        # Redis takes a message off its list before the worker has it; the documentation says so.
        assert compared["missing"] <= 5 * len(stack.workers)
        assert (compared["surplus"], stack.sandbox.counts("shop")["duplicates"]) == (0, 0)
        assert_balanced(stack)


def _is_settled(stack: Stack) -> bool:
    with stack.redis.client() as client:
        return not client.exists(*contract.QUEUES, "unacked") and not stack.books().pending


def _has_consumers(stack: Stack) -> bool:
    # Both workers wait on the broker's lists again.
    with stack.redis.client() as client:
        return [each["cmd"] for each in client.client_list()].count("brpop") >= len(stack.workers)


def test_a_stalled_redis_stores_a_repeated_send_once(tmp_path):
    """Redis stands still for 3 s: a send ends in time, says `may have been stored`, and its repeats store one push."""
    with Stack(tmp_path) as stack:
        producer, other = stack.producer(), stack.producer()
        push: dict[str, Any] = {"app": "shop", "registration_id": "rid_stall", "notification": "once only"}
        warm = [
            each.send(app="shop", registration_id="rid_warm", notification=f"warm {each}") for each in (producer, other)
        ]
        stack.redis.pause()
        stalled_at = time.monotonic()
        with pytest.raises(BrokerUnavailable) as first:
            producer.send(**push)
        took = time.monotonic() - stalled_at
        push_id = first.value.push_id
        # From another process, say; its request waits in the same silent server.
        with pytest.raises(BrokerUnavailable) as second:
            other.send(**push, push_id=push_id)
        with pytest.raises(BrokerUnavailable) as stranger:
            stack.producer().send(**push)
        until(lambda: time.monotonic() - stalled_at >= 3.0)
        stack.redis.resume()
        receipts = [producer.send(**push, push_id=push_id), other.send(**push, push_id=push_id)]

        assert took < 1.0 + 0.3
        assert first.value.maybe_stored
        assert (second.value.push_id, second.value.maybe_stored) == (push_id, True)
        assert "may have been stored" in str(first.value)
        # Without the app's profile nothing was sent at all.
        assert (stranger.value.push_id, stranger.value.maybe_stored) == (None, False)
        assert {receipt.push_id for receipt in receipts} == {push_id}
        assert receipts[0].wait(20).state is State.ACCEPTED
        assert stack.wait_drained().enqueued == 3
        assert_each_once(stack, [*(receipt.push_id for receipt in warm), str(push_id)])


def test_a_stall_in_the_middle_of_send_many_leaves_every_item_accounted_for(tmp_path):
    """After a stall each of 2,000 items is stored, may be stored or is not; repeating the call stores each once."""
    with Stack(tmp_path, sandbox=SandboxOptions(quota=5_000)) as stack:
        producer = stack.producer()
        producer.send(app="shop", registration_id="rid_warm", notification="warm").wait(20)
        pushes = sends("stall", 2_000)

        def stalling() -> Iterator[Send]:
            for i, push in enumerate(pushes):
                if i == 700:
                    stack.redis.pause()
                yield push

        began = time.monotonic()
        report = producer.send_many(stalling(), app="shop")
        took = time.monotonic() - began
        stack.redis.resume()
        doubt = [error.maybe_stored for error in errors_of(report)]
        stored = len(report.receipts)
        # 50 of every 500 go by alias, in a round trip of their own: the first that is not answered ends all others.
        assert (stored, doubt.count(True), doubt.count(False)) == (500, 450, 1_050)
        assert took < 1.0 + 1.0

        first_ids = [id_of(result) for result in report.results]
        again = [
            producer.send_many(pushes[i : i + 500], app="shop", push_ids=first_ids[i : i + 500])
            for i in range(0, 2_000, 500)
        ]

        assert not any(each.errors for each in again)
        assert [receipt.push_id for each in again for receipt in each.receipts] == first_ids
        assert stack.wait_drained().enqueued == 2_001
        assert stack.sandbox.deliveries_summary("shop")["deliveries"] == 2_001
        assert stack.sandbox.counts("shop")["duplicates"] == 0
        assert_balanced(stack)
