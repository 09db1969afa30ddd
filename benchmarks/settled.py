"""Sees, to about a millisecond, when the outcomes of single sends are recorded, without asking for each of them."""

import threading
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

import redis

from producers import Receipt, ids, keys
from producers.outcomes import SLOT_BYTES, State

from .run import Unmeasured

LOOK_SECONDS = 0.001
PATIENCE_SECONDS = 30.0


class OutcomeWatch:
    """Reads the outcome slots of all sends on their way with one command per bucket.

    Sends of one producer have consecutive slots, so one GETRANGE shows all that are not settled yet.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url)
        self._waiting: dict[str, deque[tuple[int, float]]] = {}
        self._samples: list[float] = []
        self._refused = 0
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._redis.close()

    def expect(self, receipt: Receipt, called_at: float) -> None:
        """Watch for the outcome of a send whose call began at `called_at` (`time.perf_counter`)."""
        bucket, index = ids.read_ref(receipt.ref)
        with self._guard:
            self._waiting.setdefault(keys.bucket(receipt.app, bucket), deque()).append((index, called_at))

    def wait(self) -> list[float]:
        """Milliseconds of every send, once all are settled.

        Raises:
            Unmeasured: some were not settled in time, or not accepted.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while self._pending():
            if time.monotonic() > until:
                raise Unmeasured(f"{self._pending()} sends have no outcome after {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.01)
        if self._refused:
            raise Unmeasured(f"{self._refused} sends were not accepted")
        return self._samples

    def _pending(self) -> int:
        with self._guard:
            return sum(map(len, self._waiting.values()))

    def _look_on(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with self._guard:
                looking = {name: list(expected) for name, expected in self._waiting.items() if expected}
            for name, expected in looking.items():
                self._look(name, expected)

    def _look(self, name: str, expected: list[tuple[int, float]]) -> None:
        first, last = expected[0][0], expected[-1][0]
        slots: Any = self._redis.getrange(name, first * SLOT_BYTES, (last + 1) * SLOT_BYTES - 1)
        seen_at = time.perf_counter()
        left: deque[tuple[int, float]] = deque()
        for index, called_at in expected:
            state = State(slots[(index - first) * SLOT_BYTES])
            if state.is_outcome:
                self._samples.append((seen_at - called_at) * 1000)
                self._refused += state is not State.ACCEPTED
            else:
                left.append((index, called_at))
        with self._guard:
            waiting = self._waiting[name]
            # What was expected meanwhile stands behind what was looked at.
            self._waiting[name] = left + deque(list(waiting)[len(expected) :])
