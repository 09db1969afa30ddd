"""Figures: what storing a send costs the application, against a bare Celery message on the same Redis."""

import time
from collections.abc import Callable

from celery import Celery

from producers import Producer, SendReport

from .figures import Spec, at_most
from .naive import build_app
from .percentiles import median, percentile
from .run import APP, Run, Unmeasured, register
from .sends import models, notification, registration_ids

SEND, APPLY = "send_p50_us", "apply_async_p50_us"
FIGURES = (
    Spec(SEND, "send, p50", "µs"),
    Spec("send_p99_us", "send, p99", "µs"),
    Spec(APPLY, "apply_async of an empty Celery task, p50", "µs"),
    Spec("apply_async_p99_us", "apply_async of an empty Celery task, p99", "µs"),
    Spec("send_over_apply_async", "send against apply_async, p50, same run", "x", at_most(0.4)),
    Spec("send_many_us", "send_many, one model each, per send", "µs", at_most(40)),
    Spec("send_to_many_us", "send_to_many, one content, per send", "µs", at_most(15)),
)
BLOCK, BLOCKS = 200, 10
MANY = 20_000
ROUNDS = 3
ALONE = "no worker running; Redis append-only file everysec"


def measure(run: Run) -> None:
    """Blocks of both kinds in turn, so that whatever else the machine does meets both."""
    with run.stack(workers=0) as stack:
        register(stack)
        producer = stack.producer(deadline_seconds=10.0)
        celery = build_app(stack.redis_url)
        _one_by_one(run, producer, celery)
        celery.close()
        _many(run, producer)


def _one_by_one(run: Run, producer: Producer, celery: Celery) -> None:
    apply_async = celery.tasks["naive.nothing"].apply_async
    targets = registration_ids(10_000_000)

    def send() -> None:
        producer.send(app=APP, registration_id=next(targets), notification=notification())

    block = run.size(BLOCK, 20)
    sends, applied = [], []
    _timed(send, 20), _timed(apply_async, 20)
    for _ in range(BLOCKS):
        sends += _timed(send, block)
        applied += _timed(apply_async, block)
    count = f"{len(sends)} of each, in blocks of {block} in turn, one thread"
    run.record(SEND, median(sends), f"{count}; a model of 300 bytes each, made and validated within the time; {ALONE}")
    run.record("send_p99_us", percentile(sends, 99), f"as {SEND}")
    run.record(APPLY, median(applied), f"{count}; no arguments, no result backend, pooled connection; {ALONE}")
    run.record("apply_async_p99_us", percentile(applied, 99), f"as {APPLY}")
    run.record_ratio("send_over_apply_async", SEND, APPLY, "medians of this run")


def _many(run: Run, producer: Producer) -> None:
    count = run.size(MANY, 500)
    rounds = range(ROUNDS)
    each = [_per_send(lambda: producer.send_many(models(count), app=APP), count) for _ in rounds]
    one = [
        _per_send(
            lambda: producer.send_to_many(
                app=APP, registration_ids=registration_ids(count), notification=notification()
            ),
            count,
        )
        for _ in rounds
    ]
    how = f"{count} sends in one call, 500 per round trip, median of {ROUNDS} rounds; {ALONE}"
    run.record("send_many_us", median(each), f"{how}; the models are made within the time")
    run.record("send_to_many_us", median(one), how)


def _timed(call: Callable[[], object], count: int) -> list[float]:
    """Microseconds of each call."""
    samples = []
    for _ in range(count):
        started_at = time.perf_counter()
        call()
        samples.append((time.perf_counter() - started_at) * 1e6)
    return samples


def _per_send(call: Callable[[], SendReport], count: int) -> float:
    started_at = time.perf_counter()
    report = call()
    seconds = time.perf_counter() - started_at
    if len(report.receipts) != count:
        raise Unmeasured(f"{count - len(report.receipts)} of {count} sends were not stored")
    return seconds / count * 1e6
