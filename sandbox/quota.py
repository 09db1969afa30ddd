"""The three shapes the vendor's quota window may have. Its real shape is unknown, so all three are served.

Times are `Moment.elapsed`, seconds. Refused units do not count against a window (assumption).
"""

import math
from collections import deque
from typing import Protocol

from sandbox.settings import QuotaShape


class Window(Protocol):
    """How many units are left now, and the note that some were used."""

    def left(self, elapsed: float, /) -> int:
        """Units that may still be used at this instant."""
        ...

    def spend(self, elapsed: float, units: int, /) -> None:
        """Use units; the caller has asked `left` at the same instant."""
        ...


class TrailingSecond:
    """Sum of the units of the last second, (t - 1, t], exactly. Also used to find the worst second of a run."""

    __slots__ = ("_events", "total")

    def __init__(self) -> None:
        self._events: deque[tuple[float, int]] = deque()
        self.total = 0

    def expire(self, at: float) -> None:
        """Forget what is a second old or older."""
        events = self._events
        while events and events[0][0] <= at - 1.0:
            self.total -= events.popleft()[1]

    def add(self, at: float, units: int) -> int:
        """Count units at an instant and return the sum of the second that ends there."""
        self.expire(at)
        self._events.append((at, units))
        self.total += units
        return self.total


class Unlimited:
    """Quota 0: everything passes."""

    def left(self, _elapsed: float, /) -> int:
        """More than any call can ask."""
        return 1 << 62

    def spend(self, _elapsed: float, _units: int, /) -> None:
        """Nothing is kept."""


class FixedWindow:
    """A counter per calendar second of the sandbox clock."""

    def __init__(self, rate: int, origin: float) -> None:
        self._rate = rate
        self._phase = origin % 1.0
        self._second = -1
        self._used = 0

    def left(self, elapsed: float) -> int:
        """What the current calendar second has not used."""
        second = math.floor(elapsed + self._phase)
        if second != self._second:
            self._second, self._used = second, 0
        return self._rate - self._used

    def spend(self, _elapsed: float, units: int, /) -> None:
        """Charge the current calendar second."""
        self._used += units


class SlidingWindow:
    """The exact trailing second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._trailing = TrailingSecond()

    def left(self, elapsed: float) -> int:
        """What the trailing second has not used."""
        self._trailing.expire(elapsed)
        return self._rate - self._trailing.total

    def spend(self, elapsed: float, units: int) -> None:
        """Enter the units in the log."""
        self._trailing.add(elapsed, units)


class TokenBucket:
    """Capacity and refill per second both equal the rate, so that a full bucket allows nearly twice the rate once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._tokens = float(rate)
        self._at: float | None = None

    def left(self, elapsed: float) -> int:
        """Whole tokens in the bucket."""
        if self._at is not None:
            self._tokens = min(self._rate, self._tokens + (elapsed - self._at) * self._rate)
        self._at = elapsed
        return int(self._tokens + 1e-9)

    def spend(self, _elapsed: float, units: int, /) -> None:
        """Take tokens out."""
        self._tokens -= units


def new_window(shape: QuotaShape, rate: int, origin: float) -> Window:
    """A fresh window. `origin` is the unix time at elapsed 0, which gives the fixed shape its calendar."""
    if rate == 0:
        return Unlimited()
    if shape == "fixed":
        return FixedWindow(rate, origin)
    return SlidingWindow(rate) if shape == "sliding" else TokenBucket(rate)
