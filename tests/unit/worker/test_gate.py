"""The gate of refused credentials: when it is probed, what a probe decides, and who it concerns; and the bench."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from fakeredis import FakeRedis, FakeRedisConnection, FakeServer

from config.delivery import DeliverySettings
from producers import keys
from producers.connection import DeadlineRedis
from producers.contract import LaneClass
from tests.lanes_fixture import FINGERPRINT, Bench, batch_answer, connect, dice, fault
from tests.unit.worker.test_settlement import entry_of, lease_of
from worker.api import BatchAnswer, ErrorClass
from worker.calls import Caller
from worker.delivery import BENCH_SECONDS, Delivery, Timing
from worker.gate import LONGEST_INTERVAL_MS, CredentialGate
from worker.lanes import Lanes, Leave
from worker.planner import Lease
from worker.settlement import Judge, Settlement

MINE, OTHER = "0123456789ab", "ba9876543210"
DUE, FAR = 0, 10**14


@pytest.fixture
def redis() -> Iterator[DeadlineRedis]:
    client = DeadlineRedis(
        "redis://fake", deadline_seconds=5.0, connection_class=FakeRedisConnection, server=FakeServer(version=(6, 2))
    )
    yield client
    client.close()


def close_gate(redis: DeadlineRedis, *, due: int = DUE, fingerprint: str = MINE, interval: int = 60_000) -> None:
    """As a settlement does."""
    redis.call("HSET", keys.gate("shop"), "credentials", f"{due}|{fingerprint}|{interval}")


def state(redis: DeadlineRedis) -> str | None:
    """What the gate says."""
    text = redis.call("HGET", keys.gate("shop"), "credentials")
    return None if text is None else str(text.decode())


@pytest.mark.parametrize(
    ("due", "fingerprint", "expected"), [(DUE, MINE, True), (FAR, MINE, False), (DUE, OTHER, False)]
)
def test_a_probe_is_for_a_due_gate_of_the_same_credentials(
    redis: DeadlineRedis, due: int, fingerprint: str, expected: bool
) -> None:
    """Others can say nothing of them."""
    close_gate(redis, due=due, fingerprint=fingerprint)
    assert CredentialGate(redis, "shop", MINE).wants_probe() is expected


def test_an_open_gate_is_not_probed(redis: DeadlineRedis) -> None:
    """And a verdict on it changes nothing."""
    gate = CredentialGate(redis, "shop", MINE)
    assert not gate.wants_probe()
    gate.judge(fault(ErrorClass.CREDENTIAL))
    assert state(redis) is None


def test_one_probe_runs_at_a_time(redis: DeadlineRedis) -> None:
    """Whoever claims it first; after its verdict the next may come."""
    close_gate(redis)
    first, second = CredentialGate(redis, "shop", MINE), CredentialGate(redis, "shop", MINE)
    assert (first.wants_probe(), second.wants_probe()) == (True, False)
    first.judge(fault(ErrorClass.TRANSIENT))
    close_gate(redis)
    assert second.wants_probe()


@pytest.mark.parametrize("kind", [None, *ErrorClass])
def test_what_a_probe_decides(redis: DeadlineRedis, kind: ErrorClass | None) -> None:
    """Any verdict on the push itself lets in; a refusal doubles the interval; no verdict keeps it."""
    close_gate(redis)
    CredentialGate(redis, "shop", MINE).judge(None if kind is None else fault(kind))
    no_verdict = {ErrorClass.UNSENT, ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS, ErrorClass.BENCH}
    if kind is ErrorClass.CREDENTIAL:
        assert (state(redis) or "").endswith(f"|{MINE}|120000")
    elif kind in no_verdict:
        assert (state(redis) or "").endswith(f"|{MINE}|60000")
    else:
        assert state(redis) is None


def test_the_interval_has_an_end(redis: DeadlineRedis) -> None:
    """A corrected console is noticed within a quarter of an hour."""
    close_gate(redis, interval=LONGEST_INTERVAL_MS)
    CredentialGate(redis, "shop", MINE).judge(fault(ErrorClass.CREDENTIAL))
    assert (state(redis) or "").endswith(f"|{LONGEST_INTERVAL_MS}")


def test_a_successor_with_a_wrong_secret_too_meets_a_gate_of_its_own() -> None:
    """Who is refused last has the gate: the mark of its predecessor does not let it ask again and again."""
    client = FakeRedis(server=FakeServer(version=(6, 2)))
    bench = Bench(connect(client), client)
    successor = Lanes(bench.redis, "shop", 500, bench.settings, OTHER)
    bench.send(2)
    for lanes, fingerprint in ((bench.lanes, FINGERPRINT), (successor, OTHER)):
        settlement, plan = bench.open(bench.leased(lanes=lanes))
        bench.judge.answer(settlement, plan.call, batch_answer(whole=fault(ErrorClass.CREDENTIAL, 21004)))
        assert lanes.settle(settlement)
        assert (state(bench.redis) or "").split("|")[1] == fingerprint
        assert bench.lease(lanes=lanes) == Leave("closed", "credentials")
        bench.advance(5_000)
    assert bench.books().retried == 4
    client.close()


@dataclass
class OneLease:
    """Stands for the lanes: one lease of two pushes whenever asked, and a record of what came back."""

    app: str = "shop"
    leases: int = 0
    left: int = 0
    settled: list[Settlement] = field(default_factory=list)

    def lease(self, *_: Any) -> Lease:
        self.leases += 1
        return lease_of([entry_of(0), entry_of(1)])

    def renew(self, _token: str) -> str:
        return "0"

    def settle(self, settlement: Settlement) -> bool:
        self.settled.append(settlement)
        return True

    def leave(self, *_: Any) -> None:
        self.left += 1

    def note_messages(self, _messages: dict[int, str]) -> None:
        """Nobody reads them here."""

    note_details = note_messages


@dataclass
class RefusesAddress:
    """Stands for the caller: 23009, whatever is asked."""

    def call(self, *_: Any) -> BatchAnswer:
        return batch_answer(whole=fault(ErrorClass.BENCH, 23009))


@dataclass
class Clock:
    """Seconds that only the test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_process_whose_address_is_refused_leases_nothing_for_a_minute() -> None:
    """One call, nothing spent, the work passed on at each slice; then it tries again."""
    lanes, clock = OneLease(), Clock()
    settings = DeliverySettings()
    delivery = Delivery(
        cast(Lanes, lanes), cast(Caller, RefusesAddress()), Judge(settings, dice(1)), settings, Timing(clock)
    )

    delivery.run_slice(LaneClass.PUSH, "s")
    ended = [delivery.run_slice(LaneClass.PUSH, "s").ended for _ in range(2)]

    assert (lanes.leases, lanes.left, ended) == (1, 3, ["benched", "benched"])
    (settlement,) = lanes.settled
    assert {again.entry.attempts for again in settlement.retries} == {0}
    assert not settlement.closes_gate
    clock.now += BENCH_SECONDS
    delivery.run_slice(LaneClass.PUSH, "s")
    assert lanes.leases == 2
