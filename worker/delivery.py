"""One time slice of delivery: lease, plan, call, settle, until the lanes of an app are empty or the time is over."""

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from config.delivery import LEASE_MARGIN_MS, DeliverySettings
from config.logs import event
from producers.connection import Refused, Unanswered
from producers.contract import LaneClass
from producers.entry import Entry

from .calls import Caller
from .lanes import AskAgain, Lanes, Leave, Wait
from .planner import Lease, plan_call
from .settlement import Judge, Settlement, refuses_as_a_whole

GRANT_FRESH_MS = 25
"""A call that starts later than this after its quota was granted takes its quota again, at its real time."""
LEAST_START_MS = 500
"""Time to start a call under the shortest lease that the settings accept; it is taken from the lease's margin."""
BENCH_SECONDS = 60.0
"""How long a process stands aside when the API refuses its address."""
BENCHED_PAUSE_SECONDS = 0.1
"""Before it passes on the work of an app: hints that nobody may act on must not chase each other."""
REDIS_TROUBLE = (Unanswered, Refused)


@dataclass(slots=True)
class Summary:
    """What one slice did; returned by the task, so that Celery's events and Flower show it."""

    app: str
    lane_class: str
    counts: Counter[str] = field(default_factory=Counter)
    ended: str = "time"

    def as_result(self) -> dict[str, str | int]:
        """The task's result."""
        return {"app": self.app, "class": self.lane_class, "ended": self.ended, **self.counts}


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks of a slice, handed in so that tests can hold them."""

    clock: Callable[[], float] = time.monotonic
    """Monotonic seconds."""
    stopping: Event = field(default_factory=Event)
    """Set when the process is asked to stop: the call in flight is finished, nothing more is leased."""


@dataclass(slots=True)
class Distance:
    """The shortest round trip lately: to Redis (a grant is about that old, and all are alike), or to the API."""

    seconds: float = float("inf")

    def note(self, seconds: float) -> None:
        """Learn from one round trip; that the way became longer is believed after a few dozen."""
        self.seconds = min(seconds, self.seconds * 1.1)


@dataclass(slots=True)
class Bench:
    """Until when this process leaves an app to others; monotonic seconds."""

    until: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers the lanes of one app."""

    lanes: Lanes
    caller: Caller
    judge: Judge
    settings: DeliverySettings
    timing: Timing
    allow_list: frozenset[str] | None = None
    """The only targets that this app may reach; None: any."""
    distance: Distance = field(default_factory=Distance)
    service: Distance = field(default_factory=Distance)
    """The shortest time that the API took to answer lately."""
    bench: Bench = field(default_factory=Bench)

    def run_slice(self, lane_class: LaneClass, slot: str) -> Summary:
        """Serve `lane_class` for one slice, in the open `slot`. Redis trouble ends it; the sweep starts another."""
        summary = Summary(self.lanes.app, lane_class)
        until = self.timing.clock() + self.settings.slice_ms / 1000
        try:
            if self._is_benched():
                summary.ended = "benched"
                self.timing.stopping.wait(BENCHED_PAUSE_SECONDS)
            while not self._is_over(until):
                if not self._turn(lane_class, slot, until, summary):
                    return summary
            self.lanes.leave(lane_class, slot)
        except REDIS_TROUBLE as error:
            summary.ended = "redis"
            event("push.slice.broken", app=self.lanes.app, lane_class=lane_class, error=str(error))
        return summary

    def _is_over(self, until: float) -> bool:
        return self.timing.stopping.is_set() or self.timing.clock() >= until or self._is_benched()

    def _is_benched(self) -> bool:
        return self.timing.clock() < self.bench.until

    def _turn(self, lane_class: LaneClass, slot: str, until: float, summary: Summary) -> bool:
        asked_at = self.timing.clock()
        match self.lanes.lease(lane_class, slot, secrets.token_hex(8)):
            case Lease() as lease:
                self.distance.note(self.timing.clock() - asked_at)
                self._serve(lease, asked_at, summary)
            case Wait(ms):
                self.timing.stopping.wait(max(0.0, min(ms / 1000, until - self.timing.clock())))
            case AskAgain():
                pass
            case Leave(why, detail):
                summary.ended = detail or why
                return False
        return True

    def _serve(self, lease: Lease, asked_at: float, summary: Summary) -> None:
        plan = plan_call(lease, self._redis_now(lease, asked_at), self.settings, self.allow_list)
        settlement = self.judge.open(lease, plan, self._redis_now(lease, asked_at))
        if plan.call:
            self._call(settlement, plan.call, asked_at, granted_after=asked_at + self.distance.seconds)
        self._heed(settlement)
        if self._settle(settlement, asked_at):
            summary.counts.update(settlement.counts)
        else:
            event("push.lease.lost", app=self.lanes.app, stream=lease.stream, entries=len(lease.entries))

    def _heed(self, settlement: Settlement) -> None:
        """What goes with an outcome must be there when the outcome is; and what concerns more than these pushes."""
        with suppress(*REDIS_TROUBLE):
            self.lanes.note_messages(settlement.messages)
            self.lanes.note_details(settlement.details)
        app = self.lanes.app
        if settlement.benches:
            self.bench.until = self.timing.clock() + BENCH_SECONDS
            event("push.worker.benched", level=logging.ERROR, app=app, seconds=BENCH_SECONDS)
        if settlement.closes_gate:
            event("push.gate.closed", level=logging.ERROR, app=app)
        for code, reason in settlement.lacking.items():
            event("push.app.incomplete", level=logging.ERROR, app=app, code=code, reason=reason)

    def _redis_now(self, lease: Lease, asked_at: float) -> int:
        # The grant is not older than the question, so this is never early by more than the round trip.
        return round(float(lease.granted_at) + (self.timing.clock() - asked_at) * 1000)

    def _call(self, settlement: Settlement, entries: Sequence[Entry], asked_at: float, granted_after: float) -> None:
        lease = settlement.lease
        if not self._may_start(settlement, asked_at, granted_after):
            self.judge.not_called(settlement, entries)
            return
        answer = self.caller.call(lease.kind, entries, self._redis_now(lease, asked_at))
        settlement.now_ms = self._redis_now(lease, asked_at)
        self.service.note(answer.elapsed_seconds)
        # A busy machine may deliver a request late, which only the answer shows; what every answer takes is no delay.
        settlement.counted_at_ms = settlement.now_ms - round(self.service.seconds * 1000)
        if len(entries) > 1 and refuses_as_a_whole(answer):
            # One bad item must not take its neighbours along: nothing was sent, so the halves may go under their cids.
            middle = len(entries) // 2
            for half in (entries[:middle], entries[middle:]):
                self._call(settlement, half, asked_at, granted_after=float("-inf"))
            return
        self.judge.answer(settlement, entries, answer)

    def _may_start(self, settlement: Settlement, asked_at: float, granted_after: float) -> bool:
        to_spare = self.settings.lease_ms - self.settings.call_deadline_ms - LEASE_MARGIN_MS
        last_start = asked_at + max(to_spare, LEAST_START_MS) / 1000
        while self.timing.clock() <= last_start and not self.timing.stopping.is_set():
            if (self.timing.clock() - granted_after) * 1000 <= GRANT_FRESH_MS:
                return True
            asked_again_at = self.timing.clock()
            answer = self.lanes.renew(settlement.lease.token)
            self.distance.note(self.timing.clock() - asked_again_at)
            granted_after = asked_again_at + self.distance.seconds
            match answer:
                case None:
                    return False
                case int(wait_ms):
                    self.timing.stopping.wait(wait_ms / 1000)
                    granted_after = float("-inf")
        return False

    def _settle(self, settlement: Settlement, asked_at: float) -> bool:
        remaining = asked_at + self.settings.lease_ms / 1000 - self.timing.clock()
        retrying = Retrying(
            retry=retry_if_exception_type(REDIS_TROUBLE),
            wait=wait_exponential_jitter(multiplier=0.05, max=1.0, jitter=0.05),
            stop=stop_after_delay(max(remaining, 0.0)),
        )
        try:
            return bool(retrying(self.lanes.settle, settlement))
        except RetryError:
            return False
