"""Figure: sends per second of the naive way, at the best of a few pools and process counts on this machine."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from sandbox.stack import ManagedProcess, Stack

from .cpu import cpu_seconds
from .figures import Spec
from .naive import build_app
from .run import APP, Run, Unmeasured, wait_until
from .sends import registration_ids, single_push

NAME = "naive_sends_per_second"
FIGURES = (Spec(NAME, "naive: one Celery task and one HTTP call per send", "/s"),)
PROBE_SENDS = 1_000
MEASURED_SENDS = 3_000
SECONDS_PER_SEND = 0.05


@dataclass(frozen=True, slots=True)
class Shape:
    """How the naive worker is started."""

    pool: str
    concurrency: int
    processes: int = 1

    def __str__(self) -> str:
        return f"{self.processes} x (-P {self.pool} -c {self.concurrency})"


SHAPES = (Shape("threads", 8), Shape("threads", 16), Shape("threads", 8, processes=2), Shape("prefork", 2))


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drained naive queue showed."""

    per_second: float
    cpu_per_1000: float | None
    """CPU seconds of workers and Redis per 1,000 sends, start-up excluded; None where it cannot be read."""


def measure(run: Run) -> None:
    """Probe every shape, then measure the best; of its runs the fastest counts, so that no ratio flatters us."""
    probed = {shape: drain(run, shape, run.size(PROBE_SENDS, 50)).per_second for shape in SHAPES}
    for shape, rate in probed.items():
        run.say(f"  {shape}: {rate:,.0f}/s")
    best = max(probed, key=lambda shape: probed[shape])
    run.notes["naive_shape"] = best
    count = run.size(MEASURED_SENDS, 100)
    run.record(
        NAME,
        max(probed[best], drain(run, best, count).per_second),
        f"up to {count} queued tasks of one POST /v4/push each, pooled httpx client per process, early "
        f"acknowledgement, no result backend, nothing recorded; "
        f"best of {', '.join(map(str, SHAPES))}: {best}; from the first call to the "
        "last at the sandbox; Redis append-only file everysec",
    )


def drain(run: Run, shape: Shape, count: int) -> Drained:
    """Queue `count` tasks, start the workers, and wait until the sandbox has had them all."""
    with run.stack(workers=0) as stack:
        _publish(stack, count)
        workers = [_start(stack, shape, number) for number in range(shape.processes)]
        half = _half_way(stack, workers, count)
        wait_until(lambda: _calls(stack) >= count, count * SECONDS_PER_SEND + 30, f"{count} naive sends", pause=0.2)
        cpu = _cpu(stack, workers)
        seen = stack.sandbox.counts(APP)
    if seen["deliveries"] != count:
        raise Unmeasured(f"{count} naive sends became {seen['deliveries']} deliveries")
    spent = None if cpu is None or half is None else (cpu - half[1]) / (count - half[0]) * 1000
    return Drained((count - 1) / (seen["last_arrival"] - seen["first_arrival"]), spent)


def _publish(stack: Stack, count: int) -> None:
    app = build_app(stack.redis_url)
    task = app.tasks["naive.send"]
    with app.producer_or_acquire() as producer:
        for target in registration_ids(count):
            body = single_push(target, secrets.token_hex(12)).decode()
            task.apply_async((body,), producer=producer)
    app.close()


def _start(stack: Stack, shape: Shape, number: int) -> ManagedProcess:
    name = f"naive{number}"
    command = ["-m", "celery", "-A", "benchmarks.naive", "worker", "-n", f"{name}@%h", "-l", "WARNING"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return stack.run(name, *command, "-P", shape.pool, "-c", str(shape.concurrency))


def _calls(stack: Stack) -> int:
    counts: dict[str, Any] = stack.sandbox.counts(APP)
    return int(counts["calls"])


def _half_way(stack: Stack, workers: list[ManagedProcess], count: int) -> tuple[int, float] | None:
    """Calls and CPU seconds once the workers are warm, so that their start is not counted."""
    wait_until(lambda: _calls(stack) >= count // 10, 60, "the naive workers start", pause=0.1)
    time.sleep(0.1)
    cpu = _cpu(stack, workers)
    return None if cpu is None else (_calls(stack), cpu)


def _cpu(stack: Stack, workers: list[ManagedProcess]) -> float | None:
    return cpu_seconds([each.pid for each in workers], stack.redis.pid)
