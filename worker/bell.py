"""The bootstep that turns rings into `push.deliver` messages, and sweeps for what nobody looks after.

One small thread in every Celery worker process (the parent under prefork). Messages are hints: losing one costs a tick.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from celery import bootsteps
from celery.worker.components import Pool

from config.logs import event
from producers import keys
from producers.connection import DeadlineRedis, Refused
from producers.contract import LaneClass

from .lanes import Lanes

TICK_SECONDS = 1.0
SWEEP_CLAIM_MS = 900
_TROUBLE_PAUSE_SECONDS = 0.5
RING_ORDER = (LaneClass.URGENT, LaneClass.PUSH, LaneClass.BULK)

Publish = Callable[[str, LaneClass, str], None]
"""Sends one `push.deliver(app, class, slot)` message."""


@dataclass(frozen=True, slots=True)
class Duties:
    """What goes with every sweep."""

    register: Callable[[], None]
    """Tell producers of the apps; every worker, every tick."""
    tend: Callable[[str], None]
    """Look after one app; by the worker that has the app's tick."""


class BellListener:
    """Waits on the bells of all apps; urgent ones are answered first."""

    def __init__(self, redis: DeadlineRedis, lanes: Mapping[str, Lanes], publish: Publish, duties: "Duties") -> None:
        self._redis = redis
        self._lanes = lanes
        self._publish = publish
        self._duties = duties
        self._bells = {
            keys.bell(app, lane_class).encode(): (app, lane_class) for lane_class in RING_ORDER for app in lanes
        }
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="push-bell", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits two ticks at the most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2 * TICK_SECONDS)

    def _run(self) -> None:
        next_sweep = 0.0
        while not self._stopping.is_set():
            try:
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + TICK_SECONDS
                    self._sweep()
                self._listen()
            # A broker that is down raises errors of its transport's own kinds; the thread must outlive all of them.
            except Exception as error:
                event("push.bell.broken", error=type(error).__name__)
                self._stopping.wait(_TROUBLE_PAUSE_SECONDS)

    def _sweep(self) -> None:
        try:
            self._duties.register()
        except Refused as error:
            # A Redis without free memory takes no profiles; it must still be emptied.
            event("push.bell.broken", error=type(error).__name__)
        for app, lanes in self._lanes.items():
            if lanes.sweep(SWEEP_CLAIM_MS) >= 0:
                self._duties.tend(app)

    def _listen(self) -> None:
        ring = self._redis.call("BLPOP", *self._bells, str(TICK_SECONDS))
        if ring is not None and not self._stopping.is_set():
            self.answer(*self._bells[ring[0]])

    def answer(self, app: str, lane_class: LaneClass) -> None:
        """Open a slot and send its message; without a free slot the open ones look after the work."""
        slot = secrets.token_hex(8)
        if self._lanes[app].open_slot(lane_class, slot):
            self._publish(app, lane_class, slot)


class BellStep(bootsteps.StartStopStep):
    """Celery's hook: starts the listener that the app's composition root provides, after the pool."""

    requires = (Pool,)
    listener: Callable[[], BellListener]

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._bell: BellListener | None = None

    def start(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Called by Celery when the worker is ready."""
        self._bell = type(self).listener()
        self._bell.start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Called by Celery on a warm stop, before the pool drains."""
        if self._bell is not None:
            self._bell.stop()

    def terminate(self, parent: Any) -> None:
        """Called by Celery on a cold stop."""
        self.stop(parent)
