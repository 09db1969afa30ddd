"""Figures: what the sandbox takes from ready-made bodies without a queue, and the share of it that ours reaches."""

import multiprocessing
import threading
import time
from dataclasses import dataclass
from typing import Any

from worker.api import Endpoint, PushApi

from .coalesced import NAME as COALESCED
from .figures import Spec, at_least
from .percentiles import median
from .run import APP, Run, Unmeasured, settings_of
from .sends import batch_item, registration_ids

NAME = "bare_limit_sends_per_second"
SHARE = "coalesced_over_bare_limit"
FIGURES = (
    Spec(NAME, "bare limit: ready-made bodies posted, no queue", "/s"),
    Spec(SHARE, "coalesced against the bare limit, same run", "x", at_least(0.4)),
)
CALLS = 300
ITEMS = 500
ROUNDS = 3
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one posting process does."""

    base_url: str
    app_key: str
    master_secret: str
    threads: int
    calls: int
    number: int


def measure(run: Run) -> None:
    """Post with as many processes and threads as the coalesced figure had at its best."""
    processes = int(run.notes.get("coalesced_workers", 1))
    calls = run.size(CALLS, 8)
    with run.stack(workers=0) as stack:
        settings = settings_of(stack)
        app, threads = settings.apps[APP], max(1, settings.delivery.slots // processes)
        rates = []
        for each in range(ROUNDS):
            secret = app.master_secret.get_secret_value()
            loads = [
                Load(app.api_base_url, app.app_key, secret, threads, calls // processes, each * processes + number)
                for number in range(processes)
            ]
            rates.append(sum(load.calls for load in loads) * ITEMS / _post_all(loads))
    run.record(
        NAME,
        median(rates),
        f"{calls} batch calls of {ITEMS} items of 300 bytes, built beforehand, by {processes} process(es) with "
        f"{threads} threads each and the worker's own client, answers read; no Redis; median of {ROUNDS} rounds",
    )
    run.record_ratio(SHARE, COALESCED, NAME, "both sides of this run, same number of processes and calls at once")


def _post_all(loads: list[Load]) -> float:
    """Seconds from the common start until the last process has posted everything."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(len(loads) + 1)
    ended: Any = context.SimpleQueue()
    processes = [context.Process(target=_post, args=(load, ready, ended), daemon=True) for load in loads]
    for process in processes:
        process.start()
    ready.wait(START_SECONDS)
    started_at = time.monotonic()
    accepted = sum(ended.get() for _ in processes)
    seconds = time.monotonic() - started_at
    for process in processes:
        process.join()
    if accepted != sum(load.calls for load in loads) * ITEMS:
        raise Unmeasured(f"only {accepted} of the ready-made items were accepted")
    return seconds


def _post(load: Load, ready: Any, ended: Any) -> None:
    api = PushApi(load.app_key, load.master_secret, base_url=load.base_url, max_connections=load.threads)
    bodies = [_body(load.number * load.calls + call) for call in range(load.calls)]
    counts = [0] * load.threads
    threads = [
        threading.Thread(target=_post_some, args=(api, bodies[index :: load.threads], counts, index))
        for index in range(load.threads)
    ]
    ready.wait(START_SECONDS)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    api.close()
    ended.put(sum(counts))


def _body(number: int) -> tuple[bytes, list[str]]:
    targets = list(registration_ids(ITEMS))
    items = [batch_item(target, f"bare{number:08d}x{position:011d}") for position, target in enumerate(targets)]
    return b'{"requests":[' + b",".join(items) + b"]}", targets


def _post_some(api: PushApi, bodies: list[tuple[bytes, list[str]]], counts: list[int], index: int) -> None:
    for body, targets in bodies:
        answer = api.batch(Endpoint.BATCH_REGID, body, targets)
        counts[index] += sum(result.fault is None for result in answer.results.values())
