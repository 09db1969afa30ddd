"""From the ways in to the devices: real Redis, real workers on both pools, counted at the sandbox."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.events import EventReceiver

from producers import IdempotencyConflict, State, WaitTimeout, contract, ids
from sandbox.stack import ROOT, SandboxOptions, Stack
from tests.acceptance.conftest import POOLS
from tests.acceptance.pushes import assert_balanced, assert_each_once, sends, until


@pytest.fixture
def foreign(stack: Stack) -> Iterator[Celery]:
    """A Celery application that knows our task names and nothing else."""
    with contextlib.closing(Celery("somebody-else", broker=stack.redis_url, set_as_current=False)) as app:
        yield app


@contextlib.contextmanager
def stopped_workers(stack: Stack) -> Iterator[None]:
    """Nothing is delivered in here."""
    for worker in stack.workers:
        worker.pause()
    try:
        yield
    finally:
        for worker in stack.workers:
            worker.resume()


def inspect(stack: Stack, what: str) -> Any:
    """What `celery inspect` prints of the one worker."""
    answer = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "worker.app", "inspect", what, "--json", "-t", "3"],
        env={**os.environ, **stack.environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    (reply,) = json.loads(answer.stdout[answer.stdout.index("{") :]).values()
    return reply


@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_runs_on_the_pool_that_its_command_line_names(pool, running_on):
    """`-P prefork` is prefork: no configured pool wins over the command line."""
    implementations = {
        "threads": "celery.concurrency.thread:TaskPool",
        "prefork": "celery.concurrency.prefork:TaskPool",
    }

    assert inspect(running_on(pool), "stats")["pool"]["implementation"] == implementations[pool]


def test_a_send_by_registration_id_and_one_by_alias_reach_their_devices(stack):
    """A send by either kind of target is accepted, and its device gets it once, under the push id as cid."""
    mark = uuid.uuid4().hex[:8]
    producer = stack.producer()
    by_id = producer.send(app="shop", registration_id=f"rid_{mark}", notification=f"to an id {mark}")
    by_alias = producer.send(app="shop", alias=f"alias_{mark}", notification=f"to an alias {mark}", lane="urgent")

    outcomes = [receipt.wait(20) for receipt in (by_id, by_alias)]

    assert [outcome.state for outcome in outcomes] == [State.ACCEPTED, State.ACCEPTED]
    arrived = {row["target"]: (row["cid"], row["msg_id"]) for row in stack.sandbox.deliveries("shop")}
    assert arrived == {
        f"rid_{mark}": (by_id.push_id, outcomes[0].msg_id),
        f"alias_{mark}": (by_alias.push_id, outcomes[1].msg_id),
    }
    assert_balanced(stack)


def test_send_many_delivers_a_mixture_once_each_in_few_calls(stack):
    """Six hundred sends to ids and aliases take a handful of calls, and none is lost or doubled."""
    report = stack.producer().send_many(sends(uuid.uuid4().hex[:8], 600), app="shop")
    stack.wait_drained()

    counts = assert_each_once(stack, [receipt.push_id for receipt in report.receipts])

    assert (len(report.receipts), counts["calls"] < 60) == (600, True)
    assert_balanced(stack)


def test_send_to_many_delivers_one_content_to_every_target(stack):
    """One content for many targets reaches each of them once."""
    mark = uuid.uuid4().hex[:8]
    targets = [f"rid_{mark}_{i}" for i in range(300)]
    report = stack.producer().send_to_many(app="shop", registration_ids=targets, notification=f"for all {mark}")
    stack.wait_drained()

    assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
    assert sorted(row["target"] for row in stack.sandbox.deliveries("shop")) == sorted(targets)
    assert_balanced(stack)


def test_a_plain_celery_message_is_delivered_once_however_often_it_comes(stack, foreign):
    """Any Celery application can send by task name; the task id is the idempotency key, so a repeat changes nothing."""
    mark, task_id = uuid.uuid4().hex[:8], uuid.uuid4().hex
    push = {"app": "shop", "registration_id": f"rid_{mark}", "notification": {"alert": f"by message {mark}"}}
    for _ in range(3):
        foreign.send_task(contract.TASK_SEND, kwargs=push, queue=contract.QUEUE_PUSH, task_id=task_id)
    producer = stack.producer()
    push_id = ids.derive_push_id("shop", f"{task_id}/0")
    until(lambda: producer.status(push_id, app="shop").is_final, what="the outcome")
    # Messages are taken in their order, so whatever the repeats do is done before this one is.
    last = {**push, "registration_id": f"rid_{mark}_last", "notification": f"last {mark}"}
    foreign.send_task(contract.TASK_SEND, kwargs=last, queue=contract.QUEUE_PUSH, task_id=f"{task_id}last")
    last_id = ids.derive_push_id("shop", f"{task_id}last/0")
    until(lambda: producer.status(last_id, app="shop").is_final, what="the outcome of the last")

    assert_each_once(stack, [push_id, last_id])
    assert_balanced(stack)


def test_a_batch_message_stores_every_send_in_it(stack, foreign):
    """`push.batch` carries many sends in one message, and each is delivered once."""
    mark, task_id = uuid.uuid4().hex[:8], uuid.uuid4().hex
    foreign.send_task(
        contract.TASK_BATCH,
        kwargs={"app": "shop", "lane": "urgent", "sends": sends(mark, 40)},
        queue=contract.QUEUE_URGENT,
        task_id=task_id,
    )
    push_ids = [ids.derive_push_id("shop", f"{task_id}/{i}") for i in range(40)]
    producer = stack.producer()
    until(lambda: all(producer.status(each, app="shop").is_final for each in push_ids), what="the outcomes")

    assert_each_once(stack, push_ids)
    assert_balanced(stack)


def test_a_refused_target_is_told_with_the_vendors_reason_and_stops_no_other(stack):
    """Unknown targets end as rejected with the vendor's code and words; their neighbours in the call arrive."""
    mark = uuid.uuid4().hex[:8]
    pushes: list[dict[str, Any]] = [
        {"registration_id": f"nobody_{mark}", "notification": f"lost {mark}"},
        {"alias": f"nobody_{mark}", "notification": f"lost too {mark}"},
        *sends(mark, 20),
    ]
    receipts = stack.producer().send_many(pushes, app="shop").receipts

    unknown_id, unknown_alias, *others = [receipt.wait(20) for receipt in receipts]

    assert (unknown_id.state, unknown_id.code) == (State.REJECTED, 20101)
    assert (unknown_alias.state, unknown_alias.code) == (State.REJECTED, 21011)
    assert unknown_id.message
    assert {outcome.state for outcome in others} == {State.ACCEPTED}
    assert_each_once(stack, [receipt.push_id for receipt in receipts[2:]])
    assert_balanced(stack)


def test_a_vendor_in_trouble_is_asked_again_until_every_push_is_accepted(stack):
    """Calls that end with 503 are repeated later, and each push is delivered once all the same."""
    retried = stack.books().retried
    stack.sandbox.faults([{"kind": "status", "status": 503, "count": 2}])
    report = stack.producer().send_many(sends(uuid.uuid4().hex[:8], 60), app="shop")
    stack.wait_drained()

    assert assert_balanced(stack).retried > retried
    assert_each_once(stack, [receipt.push_id for receipt in report.receipts])


def test_an_expired_push_is_never_sent_and_costs_no_quota(stack):
    """What waited past its expiry ends as expired without a unit; what is still worth sending goes."""
    mark = uuid.uuid4().hex[:8]
    producer = stack.producer()
    with stopped_workers(stack):
        late = producer.send_many([{**each, "expires_in": 0.05} for each in sends(mark, 30)], app="shop").receipts
        timely = producer.send(app="shop", registration_id=f"rid_{mark}", notification=f"in time {mark}")
        over = time.monotonic() + 0.1
        until(lambda: time.monotonic() > over)

    assert timely.wait(20).state is State.ACCEPTED
    assert {receipt.wait(20).state for receipt in late} == {State.EXPIRED}
    assert assert_each_once(stack, [timely.push_id])["units_asked"] == 1
    assert_balanced(stack)


def test_a_repeated_idempotency_key_returns_the_first_receipt_and_refuses_other_content(stack):
    """The same key and content is the same push; the same key with other content is a conflict, and nothing is sent."""
    mark = uuid.uuid4().hex[:8]
    producer = stack.producer()
    push = {"app": "shop", "registration_id": f"rid_{mark}", "idempotency_key": f"order-{mark}"}
    first = producer.send(**push, notification=f"shipped {mark}")
    again = stack.producer().send(**push, notification=f"shipped {mark}")
    outcome = first.wait(20)
    afterwards = producer.send(**push, notification=f"shipped {mark}")
    with pytest.raises(IdempotencyConflict) as conflict:
        producer.send(**push, notification=f"something else {mark}")

    assert [again.duplicate, afterwards.duplicate, first.duplicate] == [True, True, False]
    assert {again.push_id, afterwards.push_id, conflict.value.push_id} == {first.push_id}
    assert again.wait(20) == outcome == afterwards.status()
    assert_each_once(stack, [first.push_id])
    assert_balanced(stack)


def test_waiting_ends_in_time_and_the_push_goes_on(stack):
    """`receipt.wait` gives up at its time-out with the status of that moment; the push is delivered all the same."""
    mark = uuid.uuid4().hex[:8]
    producer = stack.producer()
    with stopped_workers(stack):
        receipt = producer.send(app="shop", registration_id=f"rid_{mark}", notification=f"patience {mark}")
        began = time.monotonic()
        with pytest.raises(WaitTimeout) as waited:
            receipt.wait(0.2)
        assert time.monotonic() - began < 1
        assert waited.value.status == producer.status(receipt.push_id, app="shop")
        assert waited.value.status.state is State.PENDING

    assert receipt.wait(20).state is State.ACCEPTED
    assert producer.status(receipt.push_id, app="shop") == receipt.status()
    assert producer.status(f"0{receipt.push_id[1:9]}{'z' * 12}000", app="shop").state is State.ABSENT


def test_a_slow_call_shows_in_celery_inspect_active(stack):
    """An operator sees `push.deliver` with its app and class while a call is under way."""
    mark = uuid.uuid4().hex[:8]
    stack.sandbox.faults([{"kind": "latency", "seconds": 5, "count": 1}])
    receipt = stack.producer().send(app="shop", registration_id=f"rid_{mark}", notification=f"slow {mark}")
    until(lambda: stack.books().leased, what="the lease")

    active = inspect(stack, "active")

    shown = [(task["name"], task["kwargs"]["app"], task["kwargs"]["lane_class"]) for task in active]
    assert ("push.deliver", "shop", "push") in shown
    assert receipt.wait(20).state is State.ACCEPTED


def test_the_event_stream_tells_what_a_slice_did(stack, foreign):
    """Celery's own events carry `push.deliver` from start to end, with what came of it."""
    events: list[dict[str, Any]] = []
    is_done, is_listening = threading.Event(), threading.Event()

    def listen() -> None:
        with foreign.connection_for_read() as own:
            receiver = EventReceiver(own, handlers={"*": events.append}, app=foreign)
            with receiver.consumer_context() as (connection, _, _):
                is_listening.set()
                while not is_done.is_set():
                    with contextlib.suppress(TimeoutError):
                        connection.drain_events(timeout=0.2)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        assert is_listening.wait(10)
        report = stack.producer().send_many(sends(uuid.uuid4().hex[:8], 50), app="shop")
        until(lambda: any("'accepted'" in str(each.get("result")) for each in events), what="the event of success")
    finally:
        is_done.set()
        listener.join()

    received = {each["uuid"] for each in events if each["type"] == "task-received" and each["name"] == "push.deliver"}
    told = [str(each["result"]) for each in events if each["type"] == "task-succeeded" and each["uuid"] in received]
    assert received
    assert any("'app': 'shop'" in result and "'accepted'" in result for result in told), told
    stack.wait_drained()
    assert_each_once(stack, [receipt.push_id for receipt in report.receipts])


@pytest.mark.parametrize(("pool", "concurrency", "slice_ms"), [("threads", 16, 8_000), ("prefork", 2, 1_000)])
def test_a_worker_that_is_told_to_end_finishes_its_calls_and_leaves_the_rest(tmp_path, pool, concurrency, slice_ms):
    """SIGTERM under load: the worker is gone within the call deadline, repeats no call, and the other one goes on."""
    numbers = {"call_deadline_ms": 3_000, "lease_ms": 6_000, "slice_ms": slice_ms}
    options = SandboxOptions(quota=500, latency_ms=400)
    with Stack(tmp_path, workers=2, pool=pool, concurrency=concurrency, sandbox=options, delivery=numbers) as running:
        receipts = running.producer().send_many(sends("term", 1_500), app="shop").receipts
        until(lambda: running.books().accepted >= 300, what="the first deliveries")

        running.workers[0].terminate()
        began, left = time.monotonic(), running.books().pending
        status = running.workers[0].wait(10)
        took = time.monotonic() - began
        books = running.wait_drained()

        assert (status, took < 3.0 + 2.0, left > 500) == (0, True, True), (status, took, left)
        counts = assert_each_once(running, [receipt.push_id for receipt in receipts])
        assert counts["cid_hits"] == 0, "a call was made again"
        assert (books.accepted, books.drift) == (1_500, 0)
