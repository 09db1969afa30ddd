"""Figures: time from the call of `send` to the recorded outcome, and how many sends share a call, by rate."""

import time
from dataclasses import dataclass
from random import Random

from sandbox.stack import SandboxOptions, Stack

from .figures import Spec, Target, about, at_most
from .percentiles import median, percentile
from .run import APP, Run
from .sends import notification, registration_ids
from .settled import OutcomeWatch

LATENCY_MS = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """Sends at a steady rate for some time."""

    name: str
    label: str
    per_second: float
    seconds: float
    p99: Target | None = None
    per_call: Target | None = None

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The figures of this pace."""
        return (
            Spec(f"{self.name}_p50_ms", f"send to accepted, {self.label}, p50", "ms"),
            Spec(f"{self.name}_p99_ms", f"send to accepted, {self.label}, p99", "ms", self.p99),
            Spec(f"{self.name}_sends_per_call", f"sends per call, {self.label}", "", self.per_call),
        )


PACES = (
    Pace("idle", "a send every 100 ms", 10, 10, p99=at_most(90)),
    Pace("rate_20", "20/s", 20, 6, per_call=about(1)),
    Pace("rate_200", "200/s", 200, 5, per_call=about(4)),
    Pace("rate_1000", "1,000/s", 1_000, 5, p99=at_most(110), per_call=about(20)),
)
FIGURES = tuple(spec for pace in PACES for spec in pace.specs)


def measure(run: Run) -> None:
    """All paces on one stack, one after another."""
    with run.stack(workers=1, sandbox=SandboxOptions(quota=0, latency_ms=LATENCY_MS)) as stack:
        _pace(stack, Pace("warm-up", "", 50, 1))
        for pace in PACES:
            samples, per_call = _pace(stack, pace, run.scale)
            how = (
                f"{len(samples)} sends at {pace.per_second:g}/s (intervals vary by half), API latency {LATENCY_MS} ms, "
                "1 worker process, default settings, no quota limit; outcome slots are looked at every 1 to 2 ms"
            )
            run.record(f"{pace.name}_p50_ms", median(samples), how)
            run.record(f"{pace.name}_p99_ms", percentile(samples, 99), how)
            run.record(f"{pace.name}_sends_per_call", per_call, how)


def _pace(stack: Stack, pace: Pace, scale: float = 1.0) -> tuple[list[float], float]:
    """Milliseconds of each send, and sends per call."""
    before = stack.books(APP)
    producer = stack.producer()
    count = max(10, round(pace.per_second * pace.seconds * scale))
    rng = Random(count)  # noqa: S311 - jitter, not a secret
    with OutcomeWatch(stack.redis_url) as watch:
        due_at = time.perf_counter()
        for target in registration_ids(count):
            due_at += rng.uniform(0.5, 1.5) / pace.per_second
            time.sleep(max(0.0, due_at - time.perf_counter()))
            called_at = time.perf_counter()
            watch.expect(producer.send(app=APP, registration_id=target, notification=notification()), called_at)
        samples = watch.wait()
    after = stack.wait_drained(APP)
    return samples, (after.called - before.called) / (after.calls - before.calls)
