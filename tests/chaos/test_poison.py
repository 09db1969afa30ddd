"""A push that ends the process of whoever sends it: isolated, and put where a person finds it."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from producers import Receipt, State, keys
from sandbox.stack import ManagedProcess, SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, report_figures, until
from tests.lanes_fixture import Bench, connect
from worker.books import Books
from worker.planner import Lease

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

BATCH = 500
MARK = "poisonous"
APP = "deadly_app"
WORKERS = 3
NUMBERS = {"call_deadline_ms": 500, "lease_ms": 2_500}
LATENCY_MS = 20
"""So that neighbours are in flight in the process that dies."""
MOST_DEATHS = 7
"""Two with the whole batch, one more and one with its half, and three alone; `POISON_TAKE_OVERS` counts them."""

DEADLY_APP = f'''"""The worker, but for one thing: to send a certain push is the end of its process."""

import os
import signal

from worker.api.transport import DeadlineTransport
from worker.app import app

send = DeadlineTransport.handle_request


def send_or_die(transport, request):
    if b"{MARK}" in request.read():
        os.kill(os.getpid(), signal.SIGKILL)
    return send(transport, request)


DeadlineTransport.handle_request = send_or_die
__all__ = ["app"]
'''


class Supervisor:
    """Keeps so many deadly workers running, as an operator's process manager would."""

    def __init__(self, stack: Stack, pool: str, concurrency: int) -> None:
        self._stack = stack
        self._options = ["-P", pool, "-c", str(concurrency), "-Q", "urgent,push"]
        self._running: list[ManagedProcess] = []
        self.started = 0
        self.deaths = 0

    def look(self) -> None:
        """Replace what has died."""
        for worker in [each for each in self._running if not each.is_running]:
            self._running.remove(worker)
            self.deaths += 1
        while len(self._running) < WORKERS:
            self.started += 1
            name = f"deadly{self.started}"
            command = ["-m", "celery", "-A", APP, "worker", "-n", f"{name}@%h", *self._options]
            self._running.append(self._stack.run(name, *command))
            self._stack.workers.append(self._running[-1])

    def child_deaths(self) -> int:
        """Pool processes that were killed, by what their parents say."""
        return sum(worker.log().count("exited with 'signal 9") for worker in self._stack.workers)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A system whose workers are not the usual ones."""
    (tmp_path / f"{APP}.py").write_text(DEADLY_APP, encoding="utf-8")
    options = SandboxOptions(quota=10_000, latency_ms=LATENCY_MS)
    environment = {"PYTHONPATH": str(tmp_path)}
    with Stack(tmp_path, workers=0, sandbox=options, delivery=NUMBERS, environment=environment) as running:
        yield running


@pytest.fixture
def bench(redis_client: redis.Redis) -> Iterator[Bench]:
    """The lanes alone, on a clock that the test moves."""
    with contextlib.closing(connect(redis_client)) as store:
        yield Bench(store, redis_client)


def test_who_was_in_the_process_that_died_is_not_taken_for_poison(bench):
    """One process holds everything and dies whenever the poison is among it: the others are delivered all the same."""
    receipts = bench.send(24)
    poison = receipts[11].push_id
    for _ in range(60):
        in_flight: list[Lease] = []
        while isinstance(answer := bench.lease(slot=bench.token()), Lease):
            in_flight.append(answer)
        called = [entry.push_id for lease in in_flight for entry in bench.open(lease)[1].call]
        if poison not in called:
            assert all(bench.settle(lease) for lease in in_flight)
        assert bench.books().drift == 0
        bench.advance(bench.settings.lease_ms)

    states = bench.states(receipts)
    assert (states.pop(11), set(states)) == (State.DEAD, {State.ACCEPTED})


@pytest.mark.parametrize(("pool", "concurrency"), [("threads", 16), pytest.param("prefork", 2, marks=pytest.mark.load)])
def test_a_push_that_kills_its_workers_is_dead_lettered_alone(stack, capsys, pool, concurrency):
    """One poisonous push in the middle of a batch of 500: it ends as a dead letter, 499 others arrive once each."""
    supervisor = Supervisor(stack, pool, concurrency)
    supervisor.look()
    with stack.redis.client() as client:
        until(lambda: client.exists(keys.profile("shop")), within=30, what="the first worker")
        receipts = store(stack)
        began = time.monotonic()
        books = outlive(stack, supervisor)
        took = time.monotonic() - began
        letters = client.xrange(keys.prefix("shop") + "dead")
    deaths = supervisor.deaths + supervisor.child_deaths()
    report_figures(capsys, f"{pool}: poison isolated after {deaths} deaths and {took:.1f} s; {books}")

    assert [(letter[b"id"], letter[b"reason"]) for _, letter in letters] == [
        (receipts[BATCH // 2].push_id.encode(), b"poison")
    ]
    assert (books.accepted, books.dead, books) == (BATCH - 1, 1, assert_balanced(stack))
    assert stack.producer().status(receipts[BATCH // 2].push_id, app="shop").state is State.DEAD
    assert 2 < deaths <= MOST_DEATHS
    neighbours = [receipt.push_id for i, receipt in enumerate(receipts) if i != BATCH // 2]
    assert stack.sandbox.check(cids=neighbours) | {"missing_sample": [], "surplus_sample": []} == {
        "expected": BATCH - 1, "delivered": BATCH - 1, "missing": 0, "surplus": 0,
        "missing_sample": [], "surplus_sample": [],
    }  # fmt: skip
    assert stack.sandbox.counts("shop")["duplicates"] == 0


def store(stack: Stack) -> list[Receipt]:
    """One batch, all in one stream."""
    pushes = [
        {"registration_id": f"rid_{i}", "notification": MARK if i == BATCH // 2 else f"harmless {i}"}
        for i in range(BATCH)
    ]
    return stack.producer().send_many(pushes, app="shop").receipts


def outlive(stack: Stack, supervisor: Supervisor) -> Books:
    """Replace workers until every push has its outcome."""
    until_time = time.monotonic() + 120
    while (books := stack.books()).pending:
        assert books.drift == 0, books
        assert time.monotonic() < until_time, books
        supervisor.look()
        time.sleep(0.05)
    return books
