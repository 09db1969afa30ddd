"""A bench for the Redis scripts: one app on a store whose clock only the test moves."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from fakeredis import FakeRedisConnection
from redis import Redis

from config.delivery import DeliverySettings
from producers import ids, keys
from producers.connection import DeadlineRedis, Script
from producers.contract import Kind, Lane, LaneClass
from producers.errors import PushError
from producers.intake import Enqueuer, Lettered, Stream
from producers.lookup import Outcomes
from producers.outcomes import State
from producers.profiles import Profile, Profiles
from producers.receipts import Receipt
from worker.api import BatchAnswer, ErrorClass, Fault, SingleAnswer, TargetResult
from worker.books import Books
from worker.lanes import Answer, Lanes
from worker.planner import Lease, Plan, plan_call
from worker.settlement import Judge, Settlement

APP = "shop"
START_MS = 1_800_000_000_000.0
CLOCK = "test:clock"
FINGERPRINT = "0123456789ab"
PROFILE = Profile(APP, None, 600_000, 86_400_000, 90_000)
_TIME = "redis.call('TIME')"


def dice(seed: int) -> Random:
    """Chance that is the same in every run."""
    return Random(seed)  # noqa: S311


class ClockedRedis(DeadlineRedis):
    """Runs the real scripts with one difference: TIME is what the test says, to a tenth of a millisecond."""

    def __init__(self, url: str, **connection: Any) -> None:
        super().__init__(url, deadline_seconds=5.0, **connection)
        self._scripts: dict[str, Script] = {}

    def run(self, script: Script, key: str, args: Sequence[bytes | str | int]) -> Any:
        """As the original, by the test's clock."""
        clocked = self._scripts.get(script.sha)
        if clocked is None:
            text = script.text.replace(_TIME, f"redis.call('HMGET', '{CLOCK}', 's', 'us')")
            clocked = self._scripts[script.sha] = Script(text)
        return super().run(clocked, key, args)

    def set_clock(self, now_ms: float) -> None:
        """Hold the time at `now_ms`."""
        tenths = round(now_ms * 10)
        self.call("HSET", CLOCK, "s", tenths // 10_000, "us", tenths % 10_000 * 100)


def connect(client: Redis) -> ClockedRedis:
    """A `ClockedRedis` on the server of `client`, be it fakeredis or a real one."""
    options = client.connection_pool.connection_kwargs
    if "server" in options:
        return ClockedRedis("redis://fake", connection_class=FakeRedisConnection, server=options["server"])
    return ClockedRedis(f"redis://{options['host']}:{options['port']}/0")


def fault(kind: ErrorClass, code: int | None = None) -> Fault:
    """A fault as the error table would make it."""
    return Fault(kind, code, 400, "made up", kind in {ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS})


def batch_answer(results: dict[str, TargetResult] | None = None, whole: Fault | None = None) -> BatchAnswer:
    """The answer to a batch call: results by target, or a fault of the call."""
    return BatchAnswer(whole, results or {}, False, 200, 0.05)


def accept_all(targets: Iterable[str]) -> BatchAnswer:
    """Every target accepted."""
    return batch_answer({target: TargetResult("4711") for target in targets})


@dataclass
class Bench:
    """One app: what producers and workers do to its lanes, at times that the test chooses."""

    redis: ClockedRedis
    client: Any
    settings: DeliverySettings = field(default_factory=DeliverySettings)
    rate: int = 500
    pending_max: int = 100_000
    now: float = START_MS
    counter: int = 0

    def __post_init__(self) -> None:
        self.redis.set_clock(self.now)
        self.redis.call("HSET", keys.profile(APP), "outcome_seconds", 90_000)
        self.lanes = self.another_worker()
        self.outcomes = Outcomes(self.redis)
        self.slots = ids.SlotAllocator()
        self.judge = Judge(self.settings, dice(7))
        self.use_limit(self.pending_max)
        self.enqueuer = Enqueuer(self.redis, Profiles(self.redis), self.outcomes.of)

    def another_worker(self, **changes: Any) -> Lanes:
        """The lanes as a worker with other numbers sees them."""
        return Lanes(self.redis, APP, self.rate, self.settings.model_copy(update=changes), FINGERPRINT)

    def use_limit(self, pending_max: int) -> None:
        """Producers may have `pending_max` pushes waiting."""
        self.profile = replace(PROFILE, pending_max=pending_max)

    # -- time

    def at(self, now_ms: float) -> None:
        """Set the clock of the store."""
        self.now = now_ms
        self.redis.set_clock(now_ms)

    def advance(self, ms: float) -> None:
        """Move the clock of the store."""
        self.at(self.now + ms)

    # -- producers

    def letters(self, targets: Iterable[str], *, life_ms: int = 3_600_000, key: str = "") -> list[Lettered]:
        """Encoded pushes, one per target, with random ids of one run; keyed ones all under `key`."""
        wanted = list(targets)
        self.run = self.slots.take(len(wanted))
        found = self.run.push_ids(int(self.now))
        return [
            Lettered(push_id, target, b'{"t":"%b"}' % target.encode(), life_ms)
            for push_id, target in zip(found, wanted, strict=True)
        ]

    def write(
        self,
        letters: Sequence[Lettered],
        *,
        lane: Lane = Lane.TRANSACTIONAL,
        kind: Kind = Kind.REGID,
        run: ids.SlotRun | None = None,
    ) -> list[Receipt | PushError]:
        """Store pushes through the enqueue script; without `run` under slots of their own."""
        taken = run or self.slots.take(len(letters))
        return self.enqueuer.write(Stream(self.profile, lane, kind), taken, letters)

    def send(
        self,
        targets: int | Sequence[str],
        *,
        lane: Lane = Lane.TRANSACTIONAL,
        kind: Kind = Kind.REGID,
        life_ms: int = 3_600_000,
    ) -> list[Receipt]:
        """Store one push per target (a number: that many new targets), and return their receipts."""
        if isinstance(targets, int):
            targets = [f"rid{self.counter + index}" for index in range(targets)]
            self.counter += len(targets)
        receipts: list[Receipt] = []
        for first in range(0, len(targets), 500):
            letters = self.letters(targets[first : first + 500], life_ms=life_ms)
            for result in self.write(letters, lane=lane, kind=kind, run=self.run):
                assert isinstance(result, Receipt), result
                receipts.append(result)
        return receipts

    # -- workers

    def token(self) -> str:
        """A token that was never used."""
        self.counter += 1
        return f"t{self.counter}"

    def lease(
        self, lane_class: LaneClass = LaneClass.PUSH, slot: str = "s1", *, lanes: Lanes | None = None, token: str = ""
    ) -> Answer:
        """Ask once for work."""
        return (lanes or self.lanes).lease(lane_class, slot, token or self.token())

    def leased(self, lane_class: LaneClass = LaneClass.PUSH, slot: str = "s1", *, lanes: Lanes | None = None) -> Lease:
        """Ask once for work, and get it."""
        answer = self.lease(lane_class, slot, lanes=lanes)
        assert isinstance(answer, Lease), answer
        return answer

    def open(self, lease: Lease) -> tuple[Settlement, Plan]:
        """Plan the call of a lease."""
        plan = plan_call(lease, int(self.now), self.settings)
        return self.judge.open(lease, plan, int(self.now)), plan

    def settle(
        self,
        lease: Lease,
        answer: Callable[[Sequence[str]], BatchAnswer] = accept_all,
        *,
        change: Callable[[Settlement], None] | None = None,
    ) -> bool:
        """Make the call of a lease, `answer` being the vendor, and settle it."""
        settlement, plan = self.open(lease)
        if plan.call:
            said = answer(plan.targets())
            if lease.kind is Kind.SINGLE:
                result = said.results.get(plan.call[0].target)
                whole = said.fault or (result.fault if result else None)
                self.judge.answer(settlement, plan.call, SingleAnswer(whole, "4711", 200, 0.05))
            else:
                self.judge.answer(settlement, plan.call, said)
        if change is not None:
            change(settlement)
        return self.lanes.settle(settlement)

    # -- what can be seen

    def books(self) -> Books:
        """Both sides of the equation; fails when they do not agree."""
        books = Books.read(self.redis, APP)
        assert books.drift == 0, books
        return books

    def key(self, name: str) -> str:
        """A key of the app by its short name."""
        return keys.prefix(APP) + name

    def state(self, receipt: Receipt) -> State:
        """Where a push stands."""
        return self.outcomes.of(receipt).state

    def states(self, receipts: Iterable[Receipt]) -> list[State]:
        """Where each push stands."""
        return [self.state(receipt) for receipt in receipts]


def targets_of(lease: Lease) -> list[str]:
    """Targets of a lease, in its order."""
    return [entry.header[36:].decode() for entry in lease.entries]


def push_ids_of(lease: Lease) -> list[str]:
    """Push ids of a lease, in its order."""
    return [entry.header[12:36].decode() for entry in lease.entries]
