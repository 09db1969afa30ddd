"""The gate in the hands of a person: closed by a pause, opened by a resume, and honest about everything else."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from producers import keys
from producers.contract import LaneClass
from producers.errors import InvalidPush, UnknownApp
from producers.gate import Gate, GateState, Overview
from tests.lanes_fixture import APP, FINGERPRINT, Bench, batch_answer, fault
from worker.api import ErrorClass
from worker.lanes import Leave

MakeBench = Callable[..., Bench]
NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)


@pytest.fixture
def gate(bench: Bench) -> Gate:
    """The gate of the app."""
    return Gate(bench.redis, APP)


def test_an_app_is_open_unless_something_closed_it(gate: Gate) -> None:
    """Nothing of it is made up."""
    assert gate.read() == GateState()
    assert gate.read().is_open


def test_a_paused_app_hands_out_nothing_until_it_is_resumed(bench: Bench, gate: Gate) -> None:
    """What is stored meanwhile waits; what is in flight is settled."""
    bench.send(1)
    lease = bench.leased()
    assert gate.pause("night-shift")
    bench.send(2)
    assert bench.lease() == Leave("closed", "paused")
    assert bench.settle(lease)
    state = gate.read()
    assert (state.paused_by, state.paused_since, state.is_open) == ("night-shift", NOW, False)
    bench.client.delete(*(bench.key(f"bell:{each}") for each in LaneClass))
    assert gate.resume()
    assert gate.read().is_open
    assert all(bench.client.exists(bench.key(f"bell:{each}")) for each in ("urgent", "push"))
    bench.advance(20)
    assert len(bench.leased().entries) == 2
    assert bench.books().queued == 0


def test_the_first_pause_wins_and_one_resume_ends_it(bench: Bench, gate: Gate) -> None:
    """So that repeats are harmless, and the first name is the one to ask."""
    assert gate.pause("first")
    bench.advance(1_000)
    assert not gate.pause("second|with a bar")
    assert (gate.read().paused_by, gate.read().paused_since) == ("first", NOW)
    assert gate.resume()
    assert not gate.resume()
    assert gate.pause("second|with a bar")
    assert gate.read().paused_by == "second|with a bar"


def test_a_pause_written_by_hand_is_read_all_the_same(bench: Bench, gate: Gate) -> None:
    """Whatever stands in the field closes the gate."""
    bench.client.hset(keys.gate(APP), "paused", "by hand")
    assert (gate.read().paused_by, gate.read().paused_since) == ("by hand", None)
    assert gate.resume()


def test_resume_has_refused_credentials_probed_now(bench: Bench, gate: Gate) -> None:
    """It does not believe them: the gate stays closed until a probe says otherwise."""
    bench.send(2)
    assert bench.settle(bench.leased(), lambda _: batch_answer(whole=fault(ErrorClass.CREDENTIAL, 21004)))
    state = gate.read()
    assert (state.credentials_refused, state.next_probe_at) == (True, NOW.replace(minute=1))
    bench.advance(1_000)
    assert gate.resume()
    state = gate.read()
    assert (state.credentials_refused, state.next_probe_at) == (True, NOW.replace(second=1))
    assert bench.client.hget(keys.gate(APP), "credentials") == f"1800000001000|{FINGERPRINT}|60000".encode()
    assert bench.lease() == Leave("closed", "credentials")


def test_a_throttled_gate_says_until_when(bench: Bench, gate: Gate) -> None:
    """And nothing once that is over; a resume does not touch it."""
    bench.client.hset(keys.gate(APP), "throttled", int(bench.now) + 500)
    assert gate.read().throttled_until == NOW.replace(microsecond=500_000)
    assert not gate.resume()
    assert not gate.read().is_open
    bench.advance(500)
    assert gate.read().is_open


def test_an_app_that_nobody_knows_has_no_gate(bench: Bench) -> None:
    """Nothing is written under its name."""
    for name in ("nobody", "No app"):
        gate = Gate(bench.redis, name)
        for ask in (gate.read, gate.resume, lambda gate=gate: gate.pause("me")):
            with pytest.raises(UnknownApp):
                ask()
    assert not bench.client.exists(keys.gate("nobody"))


@pytest.mark.parametrize("by", ["", "x" * 65, "two\nlines", 7])
def test_who_pauses_has_a_name(bench: Bench, gate: Gate, by: str) -> None:
    """One line of a sane length."""
    with pytest.raises(InvalidPush, match="by"):
        gate.pause(by)
    assert not bench.client.exists(keys.gate(APP))


def test_an_overview_counts_what_waits_and_never_too_little(bench: Bench) -> None:
    """In the lanes, in leases and in the delayed set; with the sums that producers and workers keep."""
    bench.send(3)
    assert bench.settle(bench.leased(), lambda _: batch_answer(whole=fault(ErrorClass.UNSENT)))
    bench.send(2)
    bench.advance(20)
    bench.leased()
    bench.send(4)
    seen = Overview.read(bench.redis, APP)
    books = bench.books()
    assert books.pending == 9
    assert seen.pending_at_most == 9
    assert (seen.sums["enqueued"], seen.sums["retried"]) == (books.enqueued, books.retried)
    assert (seen.dead, seen.asked, seen.cancelling, seen.gate.is_open) == (0, 0, 0, True)


def test_a_full_redis_can_still_be_paused(make_real_bench: MakeBench) -> None:
    """That is when somebody wants to."""
    bench = make_real_bench()
    gate = Gate(bench.redis, APP)
    bench.client.config_set("maxmemory", 1)
    try:
        assert gate.pause("me")
        assert gate.resume()
    finally:
        bench.client.config_set("maxmemory", 0)
