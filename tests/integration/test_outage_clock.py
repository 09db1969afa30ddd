"""The vendor is gone for 70 minutes, longer than it remembers a cid, on a clock that only the test moves."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from config.delivery import DeliverySettings
from producers.outcomes import State
from tests.lanes_fixture import Bench, accept_all, batch_answer, fault
from worker.api import BatchAnswer, ErrorClass, TargetResult
from worker.planner import Lease

MINUTE = 60_000.0
OUTAGE = 70 * MINUTE
STEP = 2_000.0
DAY_MS = 86_400_000
PATIENT = DeliverySettings(retry_attempts=99)
"""With the default of 8 attempts every push would have an outcome after two minutes."""


class Outage:
    """A vendor whose connections are refused, or swallow what was written, until it is back; remembers every call."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.is_over = False
        self.calls: dict[str, list[float]] = defaultdict(list)

    def answer(self, targets: Sequence[str]) -> BatchAnswer:
        """Targets named `lost…` are swallowed, the others refused."""
        for target in targets:
            self.calls[target].append(self._bench.now)
        if self.is_over:
            return accept_all(targets)
        return batch_answer({target: TargetResult("", self._fault(target)) for target in targets})

    def _fault(self, target: str):
        return fault(ErrorClass.AMBIGUOUS if target.startswith("lost") else ErrorClass.UNSENT)

    def longest_seconds(self, prefix: str) -> float:
        """From the first to the last call of any one push."""
        return max((at[-1] - at[0]) / 1000 for name, at in self.calls.items() if name.startswith(prefix))


def deliver_until(bench: Bench, outage: Outage, end: float) -> None:
    """One worker that takes what there is, every two seconds; the books agree all the time."""
    while bench.now < end:
        while isinstance(answer := bench.lease(), Lease):
            assert bench.settle(answer, outage.answer)
        assert bench.books().drift == 0
        bench.advance(STEP)


def named(prefix: str, count: int) -> list[str]:
    """Targets of one group."""
    return [f"{prefix}{index}" for index in range(count)]


def test_an_outage_of_70_minutes_repeats_nothing_past_its_cid(make_real_bench: Callable[..., Bench]) -> None:
    """What may have been sent is repeated for 50 minutes and then unknown; what never left arrives after the outage."""
    bench = make_real_bench(settings=PATIENT)
    outage, start = Outage(bench), bench.now
    lost = bench.send(named("lost", 60), life_ms=DAY_MS)
    unsent = bench.send(named("unsent", 60), life_ms=DAY_MS)
    deliver_until(bench, outage, start + 45 * MINUTE)
    # Young enough at the end to be repeated under its cid.
    recent = bench.send(named("lost_late", 20), life_ms=DAY_MS)
    deliver_until(bench, outage, start + OUTAGE)

    assert bench.states(lost) == [State.UNKNOWN] * 60
    assert set(bench.states(unsent) + bench.states(recent)) == {State.PENDING}
    outage.is_over = True
    deliver_until(bench, outage, start + OUTAGE + 10 * MINUTE)

    assert bench.states(unsent) == [State.ACCEPTED] * 60
    assert bench.states(recent) == [State.ACCEPTED] * 20
    assert 40 * 60 < outage.longest_seconds("lost") < PATIENT.cid_life_ms / 1000
    assert outage.longest_seconds("unsent") > OUTAGE / 1000
    books = bench.books()
    assert (books.accepted, books.unknown, books.pending) == (80, 60, 0)


def test_what_a_dead_worker_held_during_an_outage_is_not_repeated_past_its_cid(
    make_real_bench: Callable[..., Bench],
) -> None:
    """Nobody knows what it sent: while others stand still for 51 minutes its pushes grow too old, and end unknown."""
    bench = make_real_bench(settings=PATIENT)
    outage, start = Outage(bench), bench.now
    held = bench.send(named("lost", 30), life_ms=DAY_MS)
    assert len(bench.leased(slot="dying").entries) == 30
    waiting = bench.send(named("unsent", 30), life_ms=DAY_MS)
    bench.at(start + 51 * MINUTE)
    outage.is_over = True
    deliver_until(bench, outage, bench.now + MINUTE)

    assert bench.states(held) == [State.UNKNOWN] * 30
    assert bench.states(waiting) == [State.ACCEPTED] * 30
    assert sorted(outage.calls) == sorted(named("unsent", 30))


def test_a_push_that_expires_during_an_outage_never_left_or_is_unknown(make_real_bench: Callable[..., Bench]) -> None:
    """Of pushes with half an hour to live, those that never left expire, and those that may have left are unknown."""
    bench = make_real_bench(settings=PATIENT)
    outage, start = Outage(bench), bench.now
    lost = bench.send(named("lost", 10), life_ms=30 * 60_000)
    unsent = bench.send(named("unsent", 10), life_ms=30 * 60_000)
    deliver_until(bench, outage, start + OUTAGE)
    outage.is_over = True
    deliver_until(bench, outage, bench.now + MINUTE)

    assert bench.states(lost) == [State.UNKNOWN] * 10
    assert bench.states(unsent) == [State.EXPIRED] * 10
    assert max(at[-1] for at in outage.calls.values()) < start + 30 * MINUTE
