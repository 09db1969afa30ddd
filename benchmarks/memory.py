"""Figures: Redis memory of a send that waits, and of a push that is finished."""

import redis

from producers import keys

from .backlog import Backlog
from .figures import Spec, at_most
from .run import APP, Run

FIGURES = (
    Spec("bytes_per_queued_send", "Redis memory per queued send of 300 bytes", "B", at_most(400)),
    Spec("bytes_per_finished_push", "Redis memory per finished push", "B", at_most(24)),
)
SENDS = 60_000
HOW = "sends of 300 bytes; MEMORY USAGE of all keys of the app, before against after"


def measure(run: Run) -> None:
    """Fill and drain one lane; look at the keys of the app in between."""
    count = run.size(SENDS, 1_000)
    with run.stack(workers=1) as stack:
        backlog = Backlog(stack)
        client = stack.redis.client()
        backlog.pause()
        empty = _bytes(client)
        backlog.fill(count)
        queued = _bytes(client)
        backlog.drain(count)
        backlog.pause()
        backlog.check()
        finished = _bytes(client)
        backlog.close()
        client.close()
    run.record("bytes_per_queued_send", (queued - empty) / count, f"{count} {HOW}; its outcome slot included")
    run.record("bytes_per_finished_push", (finished - empty) / count, f"{count} {HOW}")


def _bytes(client: "redis.Redis") -> int:
    """All keys of the app, measured whole instead of sampled."""
    names = client.scan_iter(match=f"{keys.prefix(APP)}*", count=1_000)
    return sum(client.memory_usage(name, samples=0) or 0 for name in names)
