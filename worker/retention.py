"""Ends the life of what has no expiry of its own: dead letters."""

import time

from config.logs import event
from producers import keys
from producers.connection import DeadlineRedis

from .scripts import load_script

TRIM_DEAD = load_script("trim_dead")
PER_ROUND = 1_000
_DAY_MS = 86_400_000


def trim_dead_letters(redis: DeadlineRedis, app: str, days: int) -> int:
    """Purge dead letters older than `days`; the books count them as purged. Returns how many."""
    oldest = time.time_ns() // 1_000_000 - days * _DAY_MS
    total = 0
    while purged := int(redis.run(TRIM_DEAD, keys.prefix(app), [f"{oldest}-0", PER_ROUND])):
        total += purged
    if total:
        event("push.dead.purged", app=app, letters=total)
    return total
