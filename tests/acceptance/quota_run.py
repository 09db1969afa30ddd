"""One run against the quota, measured by the sandbox's clock."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, sends

Shape = Literal["fixed", "sliding", "bucket"]
SHAPES: tuple[Shape, ...] = ("fixed", "sliding", "bucket")


@dataclass(frozen=True)
class QuotaRun:
    """What the sandbox saw. `used` is the share of the quota between the first and the last call."""

    shape: Shape
    rate: int
    workers: int
    pushes: int
    worst_second: int
    throttled: int
    calls: int
    used: float

    def row(self) -> str:
        """A line of the table."""
        return (
            f"{self.shape:8} {self.rate:6}/s {self.workers:2} workers {self.pushes:7} sends {self.calls:5} calls "
            f"worst second {self.worst_second / self.rate:6.3f} x  throttled {self.throttled:4}  used {self.used:6.1%}"
        )


def run_against_quota(directory: Path, shape: Shape, rate: int, workers: int, pushes: int) -> QuotaRun:
    """Send `pushes` at once through `workers` processes; each must arrive once. Returns what the quota saw."""
    options = SandboxOptions(quota=rate, quota_shape=shape, latency_ms=20)
    with Stack(directory, workers=workers, sandbox=options) as stack:
        report = stack.producer().send_many(sends("quota", pushes), app="shop")
        stack.wait_drained(timeout=30 + 2 * pushes / rate)
        assert assert_balanced(stack).accepted == pushes
        counts = assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
        series = stack.sandbox.counts("shop", series=True)["series"]
    return QuotaRun(
        shape,
        rate,
        workers,
        pushes,
        worst_second=counts["worst_second_asked"],
        throttled=counts["units_throttled"],
        calls=counts["calls"],
        used=share_used(series, rate),
    )


def share_used(series: list[list[float]], rate: int) -> float:
    """Units per second of the active span, against the rate; the last call only ends the span."""
    first, last = series[0][0], series[-1][0]
    return sum(asked for at, asked, _ in series if at < last) / (last - first) / rate
