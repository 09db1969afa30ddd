"""What one app has asked for and got, counted as it arrives."""

from array import array
from collections import Counter
from typing import Any

from sandbox.clock import Moment
from sandbox.quota import TrailingSecond


class Tally:
    """Calls, units and errors of one app, with the worst second measured on the monotonic arrival clock."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.errors: Counter[int] = Counter()
        self.cid_hits = 0
        self.asked = 0
        self.admitted = 0
        self._worst = {"asked": 0, "admitted": 0}
        self._trailing = {"asked": TrailingSecond(), "admitted": TrailingSecond()}
        self._per_second: dict[int, list[int]] = {}
        self._times = array("d")
        self._asked = array("q")
        self._admitted = array("q")

    def meter(self, moment: Moment, asked: int, admitted: int) -> None:
        """Note units at their arrival."""
        self.asked += asked
        self.admitted += admitted
        self._note_worst("asked", moment.arrival, asked)
        self._note_worst("admitted", moment.arrival, admitted)
        second = self._per_second.setdefault(int(moment.now), [0, 0])
        second[0] += asked
        second[1] += admitted
        self._times.append(moment.arrival)
        self._asked.append(asked)
        self._admitted.append(admitted)

    def _note_worst(self, which: str, arrival: float, units: int) -> None:
        total = self._trailing[which].add(arrival, units)
        self._worst[which] = max(self._worst[which], total)

    def summary(self) -> dict[str, Any]:
        """Everything but the series, as JSON-ready numbers."""
        seconds = sorted(self._per_second.items())
        return {
            "calls": self.requests.total(),
            "requests": dict(self.requests),
            "units_asked": self.asked,
            "units_admitted": self.admitted,
            "units_throttled": self.asked - self.admitted,
            "cid_hits": self.cid_hits,
            "errors": {str(code): count for code, count in sorted(self.errors.items())},
            "worst_second_asked": self._worst["asked"],
            "worst_second_admitted": self._worst["admitted"],
            "worst_calendar_second_asked": max((units[0] for _, units in seconds), default=0),
            "worst_calendar_second_admitted": max((units[1] for _, units in seconds), default=0),
            "first_arrival": self._times[0] if self._times else None,
            "last_arrival": self._times[-1] if self._times else None,
            "per_second": [[second, *units] for second, units in seconds],
        }

    def series(self) -> list[tuple[float, int, int]]:
        """(arrival seconds, units asked, units admitted), one row per metered call."""
        return list(zip(self._times, self._asked, self._admitted, strict=True))
