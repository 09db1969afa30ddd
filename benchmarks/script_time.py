"""Figures: how long Redis is busy with one `lease` and one `settle` of 500 entries."""

import secrets
from collections.abc import Callable
from threading import Event
from typing import TypeVar

import redis

from config.settings import Settings
from producers.contract import LaneClass
from sandbox.stack import Stack
from worker.api import BatchAnswer, TargetResult
from worker.lanes import Answer, Lanes
from worker.planner import Lease, plan_call
from worker.runtime import build_process
from worker.settlement import Judge, Settlement

from .backlog import Backlog
from .figures import Spec, at_most
from .percentiles import median, percentile
from .run import APP, Run, Unmeasured, register, settings_of

FIGURES = (
    Spec("lease_script_ms", "script time in Redis, lease of 500, p50", "ms", at_most(3)),
    Spec("lease_script_p99_ms", "script time in Redis, lease of 500, p99", "ms"),
    Spec("settle_script_ms", "script time in Redis, settle of 500, p50", "ms", at_most(0.5)),
    Spec("settle_script_p99_ms", "script time in Redis, settle of 500, p99", "ms"),
)
BATCHES = 120
ITEMS = 500
HOW = (
    "calls, one at a time, all accepted; time that INFO commandstats adds to EVALSHA for each (arguments, script and "
    "answer, without the network); no worker running, append-only file everysec"
)

T = TypeVar("T")


def measure(run: Run) -> None:
    """Lease and settle a backlog batch by batch, without calls in between."""
    count = run.size(BATCHES, 5)
    with run.stack(workers=0) as stack:
        register(stack)
        backlog = Backlog(stack)
        backlog.fill(count * ITEMS)
        backlog.close()
        leases, settles = _drain(stack, settings_of(stack), count)
    for name, samples in (("lease", leases), ("settle", settles)):
        run.record(f"{name}_script_ms", median(samples), f"{count} {HOW}")
        run.record(f"{name}_script_p99_ms", percentile(samples, 99), f"{count} {HOW}")


def _drain(stack: Stack, settings: Settings, count: int) -> tuple[list[float], list[float]]:
    process = build_process(settings, Event())
    lanes, judge = process.lanes[APP], process.deliveries[APP].judge
    client = stack.redis.client()
    # The first call of each sends the script itself.
    _settle(lanes, judge, settings, _full(lanes.lease(LaneClass.PUSH, "benchmark", secrets.token_hex(8))), client)
    leases, settles = [], []
    for _ in range(count - 1):
        answer, spent = _metered(client, lambda: lanes.lease(LaneClass.PUSH, "benchmark", secrets.token_hex(8)))
        leases.append(spent)
        settles.append(_settle(lanes, judge, settings, _full(answer), client))
    client.close()
    process.close()
    return leases, settles


def _full(answer: Answer) -> Lease:
    if not isinstance(answer, Lease) or len(answer.entries) != ITEMS:
        raise Unmeasured(f"expected a lease of {ITEMS}, got {type(answer).__name__}")
    return answer


def _settle(lanes: Lanes, judge: Judge, settings: Settings, lease: Lease, client: "redis.Redis") -> float:
    plan = plan_call(lease, lease.first_attempt_at_ms, settings.delivery)
    settlement: Settlement = judge.open(lease, plan, lease.first_attempt_at_ms)
    results = {entry.target: TargetResult(str(2**53 + n)) for n, entry in enumerate(plan.call)}
    judge.answer(settlement, plan.call, BatchAnswer(None, results, throttled=False, status=200, elapsed_seconds=0.0))
    is_settled, spent = _metered(client, lambda: lanes.settle(settlement))
    if not is_settled:
        raise Unmeasured("a lease was lost")
    return spent


def _metered(client: "redis.Redis", call: Callable[[], T]) -> tuple[T, float]:
    """What the call gives, and the milliseconds that Redis spent in scripts meanwhile."""
    before = _script_microseconds(client)
    result = call()
    return result, (_script_microseconds(client) - before) / 1000


def _script_microseconds(client: "redis.Redis") -> int:
    stats = client.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("usec", 0)) for name in ("evalsha", "eval"))
