"""How many threads of one worker process a class or an app may hold, so that none starves the others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from producers.contract import LaneClass


def share_of(threads: int, apps: int, lane_class: LaneClass) -> int:
    """Threads that one app's slices of `lane_class` (and less urgent ones) may hold at once; at least one.

    Every app has an equal part; all but one thread of it may serve what is not urgent, half of it bulk.
    """
    part = threads if apps <= 1 else max(1, threads // apps)
    match lane_class:
        case LaneClass.URGENT:
            return part
        case LaneClass.PUSH:
            return max(1, part - 1)
        case LaneClass.BULK:
            return max(1, part // 2)


class Admission:
    """Counts the slices that run in this process. Safe for threads."""

    def __init__(self, threads: int, apps: int) -> None:
        self._threads = threads
        self._apps = apps
        self._running: Counter[tuple[str, LaneClass]] = Counter()
        self._lock = Lock()

    @contextmanager
    def admit(self, app: str, lane_class: LaneClass) -> Iterator[bool]:
        """Hold a place for one slice; yields False when the share of its app or class is used up."""
        with self._lock:
            is_admitted = self._held(app, lane_class) < share_of(self._threads, self._apps, lane_class)
            if is_admitted:
                self._running[app, lane_class] += 1
        try:
            yield is_admitted
        finally:
            if is_admitted:
                with self._lock:
                    self._running[app, lane_class] -= 1

    def _held(self, app: str, lane_class: LaneClass) -> int:
        if lane_class is LaneClass.BULK:
            return self._running[app, lane_class]
        if lane_class is LaneClass.PUSH:
            return self._running[app, lane_class] + self._running[app, LaneClass.BULK]
        return sum(self._running[app, each] for each in LaneClass)
