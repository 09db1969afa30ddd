"""The sandbox's clocks: arrival (never moves by hand) and the sandbox clock (moved by the control API)."""

import time
from typing import NamedTuple


class Moment(NamedTuple):
    """One reading of every clock, taken once per call so that all its effects agree."""

    arrival: float
    """Seconds since the server started, monotonic. The worst second is measured on it."""
    elapsed: float
    """`arrival` plus what the control API has added. Quota windows live on it."""
    now: float
    """Sandbox clock, unix seconds. Cid memory, recall and calendar seconds live on it."""


class Clock:
    """Monotonic time since start, and a unix time derived from it that can be moved forward."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._origin = time.time()
        self._offset = 0.0

    def read(self) -> Moment:
        """All clocks at this instant."""
        arrival = time.monotonic() - self._started
        elapsed = arrival + self._offset
        return Moment(arrival, elapsed, self._origin + elapsed)

    def advance(self, seconds: float) -> None:
        """Move the sandbox clock forward. Going back is refused: quota windows and msg_ids rely on the order."""
        if seconds < 0:
            raise ValueError("the sandbox clock only moves forward")
        self._offset += seconds
