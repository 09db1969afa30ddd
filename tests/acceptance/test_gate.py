"""What closes the gate of an app, what does not, and what opens it again; counted at the sandbox."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers import Receipt, State, keys
from sandbox.stack import Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, until

ON_401 = (21059, 21306, 27008, 27009)
"""Payload errors that the vendor answers with 401."""
REFUSALS = (21004, 21008, 21038, 23001, 27001)
TWO_APPS = ("shop", "bank")


def gate(stack: Stack, app: str = "shop") -> bytes | None:
    """What the gate of refused credentials says: next probe, fingerprint, interval; None when it is open."""
    with stack.redis.client() as client:
        found: bytes | None = client.hget(keys.gate(app), "credentials")
        return found


def probe_now(stack: Stack) -> None:
    """Let the next probe be due."""
    with stack.redis.client() as client:
        _, fingerprint, interval = (gate(stack) or b"").split(b"|")
        client.hset(keys.gate("shop"), "credentials", b"0|%b|%b" % (fingerprint, interval))


def send(stack: Stack, app: str = "shop") -> Receipt:
    """One push to a known device."""
    return stack.producer().send(app=app, registration_id="rid_1", notification=f"at {time.monotonic_ns()}")


def assert_nothing_burnt(receipt: Receipt) -> None:
    """It waits, and no attempt was spent."""
    status = receipt.status()
    assert (status.state, status.attempts) == (State.PENDING, 0)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("gate"), apps=TWO_APPS, concurrency=8) as stack:
        yield stack


@pytest.fixture
def stack(shared: Stack) -> Stack:
    """A system with one worker and two apps; its sandbox has seen nothing yet."""
    for app in TWO_APPS:
        shared.wait_drained(app)
    shared.sandbox.reset()
    return shared


@pytest.mark.parametrize("code", ON_401)
def test_a_payload_error_on_401_rejects_one_push_and_closes_nothing(code: int, stack: Stack) -> None:
    """The code decides, not the status: the push is rejected, the next one goes out."""
    stack.sandbox.faults([{"kind": "code", "code": code, "count": 1}])
    refused = send(stack).wait(20)
    following = send(stack).wait(20)

    assert (refused.state, refused.code, refused.attempts) == (State.REJECTED, code, 1)
    assert (following.state, gate(stack)) == (State.ACCEPTED, None)
    assert_balanced(stack)


@pytest.mark.parametrize("status", [401, 403])
def test_a_page_of_a_proxy_closes_nothing(status: int, stack: Stack) -> None:
    """HTML on 401 or 403 is no word of the vendor's: the push is tried again under its cid, and others pass it by."""
    stack.sandbox.faults([{"kind": "html", "status": status, "effect": False, "count": 1}])
    before = stack.books().retried
    met = send(stack)
    until(lambda: stack.books().retried > before, what="the retry")
    passing = send(stack).wait(20)

    assert (gate(stack), passing.state) == (None, State.ACCEPTED)
    assert (met.wait(20).state, met.status().attempts) == (State.ACCEPTED, 2)
    assert_each_once(stack, [met.push_id, passing.push_id])


@pytest.mark.parametrize("code", REFUSALS)
def test_refused_credentials_close_the_gate_of_their_app_only(code: int, stack: Stack) -> None:
    """No push is burnt and none goes out while it is closed; another app notices nothing; a good probe opens it."""
    stack.sandbox.faults([{"kind": "code", "code": code, "app": "shop"}])
    receipts = [send(stack)]
    until(lambda: gate(stack), what="the closed gate")
    receipts += [send(stack) for _ in range(5)]
    calls = stack.sandbox.counts("shop")["calls"]

    assert send(stack, "bank").wait(20).state is State.ACCEPTED
    assert gate(stack, "bank") is None
    assert stack.sandbox.counts("shop")["calls"] == calls
    for receipt in receipts:
        assert_nothing_burnt(receipt)

    stack.sandbox.clear_faults()
    probe_now(stack)
    assert {receipt.wait(20).state for receipt in receipts} == {State.ACCEPTED}
    assert {receipt.status().attempts for receipt in receipts} == {1}
    assert gate(stack) is None
    deliveries = stack.sandbox.deliveries("shop")
    assert sorted(row["cid"] for row in deliveries) == sorted(receipt.push_id for receipt in receipts)


def test_a_probe_that_is_refused_keeps_the_gate_closed_and_comes_less_often(stack: Stack) -> None:
    """The interval doubles, the probe sends nothing, and the pushes keep waiting."""
    stack.sandbox.faults([{"kind": "code", "code": 21004, "app": "shop"}])
    waiting = send(stack)
    until(lambda: gate(stack), what="the closed gate")
    probe_now(stack)
    until(lambda: (gate(stack) or b"").endswith(b"|120000"), what="the longer interval")

    assert_nothing_burnt(waiting)
    assert stack.sandbox.deliveries("shop") == []
    stack.sandbox.clear_faults()
    probe_now(stack)
    assert waiting.wait(20).state is State.ACCEPTED


def test_a_missing_certificate_rejects_the_push_and_alerts(stack: Stack) -> None:
    """21055 is a gap in the vendor's console: the push is rejected with it, and the log says so to the operator."""
    stack.sandbox.faults([{"kind": "code", "code": 21055, "app": "shop", "count": 1}])
    outcome = send(stack).wait(20)

    assert (outcome.state, outcome.code, gate(stack)) == (State.REJECTED, 21055, None)
    log = stack.workers[0].log().splitlines()
    (alert,) = [line for line in log if "push.app.incomplete" in line]
    assert "ERROR" in alert
    assert "21055" in alert


def test_a_new_secret_opens_the_gate_at_once_for_who_has_it(tmp_path: Path) -> None:
    """The vendor rotates the secret: a worker with the new one delivers what waits, no probe needed; the old worker
    stays out until its own secret is taken again.
    """
    with Stack(tmp_path, concurrency=8) as stack:
        key, old_secret = stack.apps["shop"]
        stack.sandbox.put_app("shop", key, "a-new-secret")
        waiting = [send(stack)]
        until(lambda: gate(stack), what="the closed gate")
        waiting += [send(stack) for _ in range(20)]
        assert_nothing_burnt(waiting[0])

        stack.environment["PUSH_APPS__shop__MASTER_SECRET"] = "a-new-secret"
        successor = stack.start_worker()

        assert {receipt.wait(10).state for receipt in waiting} == {State.ACCEPTED}
        assert {receipt.status().attempts for receipt in waiting} == {1}
        assert gate(stack) is not None
        assert_each_once(stack, [receipt.push_id for receipt in waiting])

        successor.terminate()
        successor.wait(20)
        stack.sandbox.put_app("shop", key, old_secret)
        last = send(stack)
        probe_now(stack)
        assert last.wait(20).state is State.ACCEPTED
        assert gate(stack) is None


def test_a_worker_whose_address_is_refused_stands_aside_and_others_go_on(tmp_path: Path) -> None:
    """23009 concerns one machine: no attempt is spent, the other worker delivers everything, the gate stays open."""
    with Stack(tmp_path, workers=2, concurrency=8) as stack:
        stack.sandbox.faults([{"kind": "code", "code": 23009, "count": 1}])
        first = send(stack)
        assert first.wait(20).state is State.ACCEPTED
        benched = [worker for worker in stack.workers if "push.worker.benched" in worker.log()]
        receipts = [first, *[send(stack) for _ in range(30)]]

        assert [receipt.wait(20).state for receipt in receipts] == [State.ACCEPTED] * 31
        assert {receipt.status().attempts for receipt in receipts} == {1}
        assert (len(benched), gate(stack)) == (1, None)
        assert_each_once(stack, [receipt.push_id for receipt in receipts])

        (other,) = [worker for worker in stack.workers if worker not in benched]
        other.pause()
        calls = stack.sandbox.counts("shop")["calls"]
        left = send(stack)
        with pytest.raises(TimeoutError):
            left.wait(2)
        assert stack.sandbox.counts("shop")["calls"] == calls
        other.resume()
        assert left.wait(30).state is State.ACCEPTED
