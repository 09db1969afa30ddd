"""Figure: sends per second when enqueue and delivery share the machine."""

import time

from producers import SendReport

from .figures import Spec, at_least
from .run import APP, Run, Unmeasured
from .sends import models

NAME = "end_to_end_sends_per_second"
FIGURES = (Spec(NAME, "send_many and delivery at once", "/s", at_least(20_000)),)
SENDS = 50_000
ROUNDS = 2
WORKERS = (1, 2)
DRAIN_SECONDS = 60.0


def measure(run: Run) -> None:
    """Enqueue with a model per send while workers deliver."""
    count = run.size(SENDS, 1_000)
    rates = {workers: min(_rate(run, workers, count) for _ in range(ROUNDS)) for workers in WORKERS}
    best = max(rates, key=lambda workers: rates[workers])
    run.record(
        NAME,
        rates[best],
        f"{count} sends with a model each through send_many in one process, from the first to the last outcome "
        f"recorded; lower of {ROUNDS} rounds, best of {WORKERS} worker processes: {best}; no quota limit, append-only "
        "file everysec",
    )


def _rate(run: Run, workers: int, count: int) -> float:
    with run.stack(workers=workers) as stack:
        producer = stack.producer(deadline_seconds=10.0)
        producer.send_many(models(1), app=APP)
        stack.wait_drained(APP)
        started_at = time.monotonic()
        report: SendReport = producer.send_many(models(count, first=1), app=APP)
        books = stack.wait_drained(APP, DRAIN_SECONDS)
        seconds = time.monotonic() - started_at
    if len(report.receipts) != count or books.accepted != count + 1:
        raise Unmeasured(f"{count} sends, {len(report.receipts)} stored, {books.accepted - 1} accepted")
    return count / seconds
