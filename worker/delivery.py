"""One time slice of delivery: lease, plan, call, settle, until the lanes of an app are empty or the time is over."""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from config.delivery import LEASE_MARGIN_MS, DeliverySettings
from config.logs import event
from producers.connection import Refused, Unanswered
from producers.contract import Kind, LaneClass

from .api import Endpoint, PushApi
from .lanes import AskAgain, Lanes, Leave, Wait
from .planner import Lease, Plan, plan_call
from .settlement import Judge, Settlement

ENDPOINTS = {Kind.REGID: Endpoint.BATCH_REGID, Kind.ALIAS: Endpoint.BATCH_ALIAS}
GRANT_FRESH_MS = 25
"""A call that starts later than this after its quota was granted takes its quota again, at its real time."""
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


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers the lanes of one app."""

    lanes: Lanes
    api: PushApi
    judge: Judge
    settings: DeliverySettings
    timing: Timing

    def run_slice(self, lane_class: LaneClass, slot: str) -> Summary:
        """Serve `lane_class` for one slice, in the open `slot`. Redis trouble ends it; the sweep starts another."""
        summary = Summary(self.lanes.app, lane_class)
        until = self.timing.clock() + self.settings.slice_ms / 1000
        try:
            while not self._is_over(until):
                if not self._turn(lane_class, slot, until, summary):
                    return summary
            self.lanes.leave(lane_class, slot)
        except REDIS_TROUBLE as error:
            summary.ended = "redis"
            event("push.slice.broken", app=self.lanes.app, lane_class=lane_class, error=str(error))
        return summary

    def _is_over(self, until: float) -> bool:
        return self.timing.stopping.is_set() or self.timing.clock() >= until

    def _turn(self, lane_class: LaneClass, slot: str, until: float, summary: Summary) -> bool:
        asked_at = self.timing.clock()
        match self.lanes.lease(lane_class, slot, secrets.token_hex(8)):
            case Lease() as lease:
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
        plan = plan_call(lease, self._redis_now(lease, asked_at), self.settings)
        settlement = self.judge.open(lease, plan, self._redis_now(lease, asked_at))
        if plan.call:
            self._call(settlement, plan, asked_at)
            settlement.now_ms = self._redis_now(lease, asked_at)
        if self._settle(settlement, asked_at):
            summary.counts.update(settlement.counts)
            self.lanes.note_messages(settlement.messages)
        else:
            event("push.lease.lost", app=self.lanes.app, stream=lease.stream, entries=len(lease.entries))

    def _redis_now(self, lease: Lease, asked_at: float) -> int:
        # The grant is not older than the question, so this is never early by more than the round trip.
        return round(float(lease.granted_at) + (self.timing.clock() - asked_at) * 1000)

    def _call(self, settlement: Settlement, plan: Plan, asked_at: float) -> None:
        kind = settlement.lease.kind
        body, targets = plan.body(kind), plan.targets()
        if not self._may_start(settlement, asked_at):
            self.judge.not_called(settlement, plan)
        elif kind is Kind.SINGLE:
            self.judge.single(settlement, plan, self.api.single(body))
        else:
            self.judge.batch(settlement, plan, self.api.batch(ENDPOINTS[kind], body, targets))

    def _may_start(self, settlement: Settlement, asked_at: float) -> bool:
        granted_after = asked_at
        last_start = asked_at + (self.settings.lease_ms - self.settings.call_deadline_ms - LEASE_MARGIN_MS) / 1000
        while self.timing.clock() <= last_start and not self.timing.stopping.is_set():
            if (self.timing.clock() - granted_after) * 1000 <= GRANT_FRESH_MS:
                return True
            granted_after = self.timing.clock()
            match self.lanes.renew(settlement.lease.token):
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
            wait=wait_exponential_jitter(initial=0.05, max=1.0),
            stop=stop_after_delay(max(remaining, 0.0)),
        )
        try:
            return bool(retrying(self.lanes.settle, settlement))
        except RetryError:
            return False
