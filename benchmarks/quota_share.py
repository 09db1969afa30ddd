"""Figures: how much of a quota is used, how much is asked for beyond it, and the worst second at the sandbox."""

import math
import time
from dataclasses import dataclass
from itertools import accumulate, product
from statistics import linear_regression
from typing import Any, Literal

from sandbox.stack import SandboxOptions, Stack

from .backlog import Backlog
from .figures import Spec, at_least, at_most
from .run import APP, Run, Unmeasured

Shape = Literal["fixed", "sliding", "bucket"]

SECONDS = 10
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One quota, one shape of the vendor's window, one number of workers."""

    rate: int
    shape: Shape
    workers: int

    @property
    def name(self) -> str:
        """The first part of the names of its figures."""
        return f"quota_{self.rate}_{self.shape}_{self.workers}"

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Its three figures."""
        where = f"{self.rate:,}/s, {self.shape} window, {self.workers} worker(s)"
        least = 0.96 if self.shape == "sliding" else 0.97
        return (
            Spec(f"{self.name}_share", f"quota used: {where}", "", at_least(least)),
            Spec(f"{self.name}_throttled", f"throttled: {where}", "", at_most(0.001)),
            Spec(f"{self.name}_worst_second", f"worst second: {where}", "x", at_most(1.0)),
        )


SHAPES: tuple[Shape, ...] = ("fixed", "sliding", "bucket")
SHORT = (Case(500, "sliding", 1), Case(5_000, "sliding", 1))
LONG = tuple(Case(*case) for case in product((500, 5_000), SHAPES, (1, 4)))
FIGURES = tuple(spec for case in sorted({*SHORT, *LONG}, key=lambda case: case.name) for spec in case.specs)


def measure(run: Run) -> None:
    """A backlog that outlasts the time, delivered under a quota."""
    for case in LONG if run.is_full else SHORT:
        _measure_case(run, case, max(3.0, SECONDS * run.scale))


def _measure_case(run: Run, case: Case, seconds: float) -> None:
    limits = SandboxOptions(quota=case.rate, quota_shape=case.shape)
    with run.stack(workers=case.workers, sandbox=limits) as stack:
        backlog = Backlog(stack)
        backlog.pause()
        backlog.fill(math.ceil(case.rate * (seconds + 4)))
        backlog.open()
        time.sleep(seconds + 2 * WARM_UP_SECONDS)
        share, counts = _used(stack, case.rate, seconds)
        backlog.close()
    how = (
        f"{seconds:g} s from a backlog, after {WARM_UP_SECONDS:g} s; the sandbox enforces {case.rate}/s as a "
        f"{case.shape} window and counts on its own clock; {case.workers} worker process(es), default settings"
    )
    run.record(f"{case.name}_share", share, f"{how}; slope of the units admitted over time, against the quota")
    run.record(f"{case.name}_throttled", counts["units_throttled"] / counts["units_asked"], f"{how}; whole run")
    run.record(
        f"{case.name}_worst_second",
        counts["worst_second_asked"] / case.rate,
        f"{how}; most units asked for in any second of the whole run, against the quota",
    )


def _used(stack: Stack, rate: int, seconds: float) -> tuple[float, dict[str, Any]]:
    counts = stack.sandbox.counts(APP, series=True)
    begin = counts["first_arrival"] + WARM_UP_SECONDS
    if counts["last_arrival"] < begin + seconds:
        raise Unmeasured("the backlog ended before the time did")
    calls = [(arrival, units) for arrival, _, units in counts["series"] if begin <= arrival < begin + seconds]
    # The slope, not a sum: units come in slices, and a sum would hang on where its window begins and ends.
    total = list(accumulate(units for _, units in calls))
    return linear_regression([arrival for arrival, _ in calls], total).slope / rate, counts
