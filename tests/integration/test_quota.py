"""The quota under load: a simulation of several slices on virtual time, through the real lease script."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from producers.contract import Lane, LaneClass
from tests.lanes_fixture import Bench, accept_all, batch_answer, dice, fault, push_ids_of
from worker.api import BatchAnswer, ErrorClass
from worker.lanes import AskAgain, Wait
from worker.planner import Lease

MakeBench = Callable[..., Bench]
SECOND = 1_000.0


@dataclass
class Slice:
    """One push.deliver slice: when it acts next, and the lease whose call it is making."""

    name: str
    lane_class: LaneClass
    next_at: float = 0.0
    lease: Lease | None = None
    since: float = 0.0


@dataclass
class Simulation:
    """Slices that ask, wait and call at their own pace. `elapsed` is true time; the store's clock may jump."""

    bench: Bench
    rng: Random
    slices: list[Slice]
    latency: tuple[float, float] = (20, 80)
    elapsed: float = 0.0
    grants: list[tuple[float, int]] = field(default_factory=list)
    left_at: dict[str, float] = field(default_factory=dict)
    answer: Callable[[Sequence[str]], BatchAnswer] = accept_all
    backlog: Lane | None = Lane.TRANSACTIONAL
    settling_since: float = 0.0

    def run(self, until: float) -> None:
        """Go on to the true time `until`."""
        while self.elapsed < until:
            turn = min(self.slices, key=lambda each: each.next_at)
            step = max(0.0, min(turn.next_at, until) - self.elapsed)
            self.bench.advance(step)
            self.elapsed += step
            if turn.next_at > until:
                return
            self._refill()
            self._act(turn)

    def _refill(self) -> None:
        if self.backlog and self.bench.client.xlen(self.bench.key(f"lane:{self.backlog}:regid")) < 700:
            self.bench.send(500, lane=self.backlog)

    def _act(self, turn: Slice) -> None:
        now = self.elapsed
        if turn.lease is not None:
            self.settling_since = turn.since
            assert self.bench.settle(turn.lease, self.answer)
            turn.lease = None
        match self.bench.lease(turn.lane_class, turn.name):
            case Lease() as lease:
                self.grants.append((now, lease.units))
                self.left_at |= dict.fromkeys(push_ids_of(lease), now)
                turn.lease, turn.since = lease, now
                turn.next_at = now + self.rng.uniform(*self.latency)
            case Wait(ms):
                # Sleepers wake a little late.
                turn.next_at = now + ms + self.rng.choice([0, 0.1, 0.7, 2])
            case AskAgain():
                turn.next_at = now
            case _:
                # It left; a bell or the sweep brings another.
                turn.next_at = now + self.rng.uniform(1, 40)

    def worst_second(self) -> int:
        """Most units granted within any second of true time."""
        worst, low, total = 0, 0, 0
        for at, units in self.grants:
            total += units
            while self.grants[low][0] <= at - SECOND:
                total -= self.grants[low][1]
                low += 1
            worst = max(worst, total)
        return worst

    def granted(self, first: float, last: float) -> int:
        """Units granted from `first` on, before `last`."""
        return sum(units for at, units in self.grants if first <= at < last)


def slices_of(**counts: int) -> list[Slice]:
    """So many slices of each class."""
    return [
        Slice(f"{name}{i}", LaneClass(name), next_at=i * 3.3) for name, count in counts.items() for i in range(count)
    ]


@pytest.mark.parametrize(("rate", "count", "seconds"), [(500, 1, 10), (500, 6, 10), (2_000, 4, 4)])
def test_a_standing_backlog_uses_the_quota_and_never_exceeds_it(
    make_real_bench: MakeBench, rate: int, count: int, seconds: int
) -> None:
    """97 % over ten seconds, and no second above the rate."""
    simulation = Simulation(make_real_bench(rate=rate), dice(rate + count), slices_of(push=count))
    simulation.run((seconds + 1) * SECOND)
    assert simulation.worst_second() <= rate
    assert simulation.granted(SECOND, (seconds + 1) * SECOND) >= 0.97 * rate * seconds


def test_the_quota_is_the_same_on_both_stores(make_bench: MakeBench) -> None:
    """A shorter run, where fakeredis takes part."""
    simulation = Simulation(make_bench(rate=500), dice(1), slices_of(push=2))
    simulation.run(3 * SECOND)
    assert simulation.worst_second() <= 500
    assert simulation.granted(SECOND, 3 * SECOND) >= 0.95 * 1_000


@pytest.mark.parametrize("seed", range(3))
def test_urgent_waits_for_a_slice_of_quota_at_most(make_real_bench: MakeBench, seed: int) -> None:
    """While a backlog takes all there is, and the quota holds for both together."""
    bench = make_real_bench(rate=500)
    rng = dice(seed)
    simulation = Simulation(bench, rng, slices_of(push=3, urgent=2))
    sent_at: dict[str, float] = {}
    simulation.run(1.5 * SECOND)
    for _ in range(25):
        simulation.run(simulation.elapsed + rng.uniform(20, 150))
        (receipt,) = bench.send(1, lane=Lane.URGENT)
        sent_at[receipt.push_id] = simulation.elapsed
        # Its bell wakes an idle slice.
        idle = [each for each in simulation.slices if each.lease is None]
        if idle:
            idle[0].next_at = min(idle[0].next_at, simulation.elapsed + 2)
    simulation.run(simulation.elapsed + 500)
    waits = [simulation.left_at[push_id] - at for push_id, at in sent_at.items()]
    assert max(waits) <= 100 + 25
    assert simulation.worst_second() <= 500


def test_an_urgent_burst_leaves_slice_by_slice(make_real_bench: MakeBench) -> None:
    """The first of many does not wait until all of them fit into the window."""
    bench = make_real_bench(rate=500)
    simulation = Simulation(bench, dice(1), slices_of(push=3, urgent=2))
    simulation.run(1.5 * SECOND)
    receipts = bench.send(400, lane=Lane.URGENT)
    sent_at = simulation.elapsed
    simulation.run(simulation.elapsed + 1.1 * SECOND)
    left = sorted(simulation.left_at[receipt.push_id] - sent_at for receipt in receipts)
    assert left[0] <= 110
    assert left[200] <= 650
    assert simulation.worst_second() <= 500


def test_an_idle_app_may_start_with_two_slices(make_bench: MakeBench) -> None:
    """And an urgent burst with the whole second; the window holds for all of it."""
    bench = make_bench(rate=500)
    bench.send(1_000, lane=Lane.URGENT)
    assert bench.leased(LaneClass.URGENT).units == 500
    assert isinstance(bench.lease(LaneClass.URGENT), Wait)


@pytest.mark.parametrize("seed", range(2))
def test_a_clock_that_jumps_back_spends_nothing_twice(make_real_bench: MakeBench, seed: int) -> None:
    """By the true time no second exceeds the rate."""
    bench = make_real_bench(rate=500)
    rng = dice(seed)
    simulation = Simulation(bench, rng, slices_of(push=3, urgent=1))
    for _ in range(12):
        simulation.run(simulation.elapsed + rng.uniform(50, 700))
        bench.advance(-rng.choice([0.5, 3, 40, 900, 5_000]))
        bench.send(rng.randrange(1, 60), lane=Lane.URGENT)
    assert simulation.worst_second() <= 500
    assert simulation.granted(0, simulation.elapsed) > 0


@pytest.mark.parametrize("seed", range(2))
def test_the_quota_holds_when_calls_fail_and_give_back(make_real_bench: MakeBench, seed: int) -> None:
    """Units come back only for what the vendor never saw: those that it saw never exceed the rate."""
    bench = make_real_bench(rate=500)
    rng = dice(seed)
    metered: list[tuple[float, int]] = []

    def vendor(targets: Sequence[str]) -> BatchAnswer:
        if rng.random() < 0.4:
            return batch_answer(whole=fault(ErrorClass.UNSENT))
        metered.append((simulation.settling_since, len(targets)))
        return accept_all(targets)

    simulation = Simulation(bench, rng, slices_of(push=4), latency=(1, 30), answer=vendor)
    simulation.run(4 * SECOND)
    simulation.grants = sorted(metered)
    assert simulation.granted(0, 4 * SECOND) > 1_000
    assert simulation.worst_second() <= 500


def test_a_lowered_rate_holds_too(make_real_bench: MakeBench) -> None:
    """After throttling the window follows the effective rate as it climbs."""
    bench = make_real_bench(rate=500)
    simulation = Simulation(bench, dice(3), slices_of(push=4))
    simulation.run(SECOND)
    bench.client.hset(bench.key("quota"), mapping={"rate": "300", "stepped": str(bench.now)})
    simulation.run(7 * SECOND)
    assert simulation.granted(SECOND, 2 * SECOND) <= 310
    assert simulation.granted(2 * SECOND, 3 * SECOND) <= 320
    assert simulation.granted(6 * SECOND, 7 * SECOND) >= 340
    assert simulation.worst_second() <= 500


def test_overlong_leases_of_a_lowered_quota_are_still_taken_over(make_bench: MakeBench) -> None:
    """A range larger than the whole rate waits for an empty window, not for ever."""
    bench = make_bench(rate=500)
    bench.send(400, lane=Lane.URGENT)
    bench.leased(LaneClass.URGENT)
    bench.rate = 100
    small = bench.another_worker()
    bench.advance(15_000)
    assert len(bench.leased(LaneClass.URGENT, lanes=small).entries) == 400
