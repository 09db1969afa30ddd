"""Figures (full only): CPU seconds per 1,000 sends at a quota of 500/s, where both ways can keep up or nearly so."""

import time

from sandbox.stack import SandboxOptions

from .backlog import Backlog
from .cpu import cpu_seconds
from .figures import Spec
from .naive_rate import SHAPES, drain
from .run import APP, Run

OURS, NAIVE = "coalesced_cpu_seconds_per_1000", "naive_cpu_seconds_per_1000"
FIGURES = (
    Spec(NAIVE, "CPU per 1,000 sends, naive", "s"),
    Spec(OURS, "CPU per 1,000 sends, coalesced at 500/s", "s"),
    Spec("naive_over_coalesced_cpu", "CPU of naive against coalesced, same run", "x"),
)
QUOTA = 500
SECONDS = 10
HOW = "user and system time of the worker processes and Redis, start-up, enqueue and sandbox excluded"


def measure(run: Run) -> None:
    """Our way paced by the quota; the naive way as fast as it goes, up to the same rate."""
    shape = run.notes.get("naive_shape", SHAPES[0])
    naive = drain(run, shape, run.size(QUOTA * SECONDS // 2, 200))
    ours = _ours(run, SECONDS * run.scale)
    if naive.cpu_per_1000 is None or ours is None:
        run.say("  CPU time can be read on Linux only")
        return
    run.record(NAIVE, naive.cpu_per_1000, f"{HOW}; {shape}, {naive.per_second:.0f}/s reached")
    run.record(OURS, ours, f"{HOW}; 1 worker process, from a backlog, quota {QUOTA}/s")
    run.record_ratio("naive_over_coalesced_cpu", NAIVE, OURS, "both sides of this run")


def _ours(run: Run, seconds: float) -> float | None:
    with run.stack(workers=1, sandbox=SandboxOptions(quota=QUOTA)) as stack:
        backlog = Backlog(stack)
        backlog.pause()
        backlog.fill(round(QUOTA * (seconds + 5)))
        backlog.open()
        time.sleep(2)
        pids = [worker.pid for worker in stack.workers]
        done, used = stack.books(APP).accepted, cpu_seconds(pids, stack.redis.pid)
        time.sleep(seconds)
        done, after = stack.books(APP).accepted - done, cpu_seconds(pids, stack.redis.pid)
        backlog.close()
    return None if used is None or after is None else (after - used) / done * 1000
