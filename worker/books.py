"""The accounting of an app: every push that was counted in is in exactly one place.

`enqueued = queued + leased + delayed + accepted + rejected + expired + cancelled + unknown + dead + purged`, in
recipients. The left side is counted by enqueue, the middle is read from the structures, never a remainder.
"""

import logging
from dataclasses import dataclass, fields
from typing import Self

from config.logs import event
from producers import keys
from producers.connection import DeadlineRedis
from producers.contract import Lane

from .scripts import load_script

BOOKS = load_script("books")


@dataclass(frozen=True, slots=True)
class Books:
    """Both sides of the equation at one moment, and what was spent on the calls."""

    enqueued: int = 0
    queued: int = 0
    leased: int = 0
    delayed: int = 0
    accepted: int = 0
    rejected: int = 0
    expired: int = 0
    cancelled: int = 0
    unknown: int = 0
    dead: int = 0
    purged: int = 0
    calls: int = 0
    called: int = 0
    throttled: int = 0
    retried: int = 0

    @property
    def pending(self) -> int:
        """Pushes without an outcome."""
        return self.queued + self.leased + self.delayed

    @property
    def drift(self) -> int:
        """Enqueued less everything accounted for: 0, or something is wrong."""
        settled = self.accepted + self.rejected + self.expired + self.cancelled + self.unknown + self.purged
        return self.enqueued - self.pending - settled - self.dead

    def as_result(self) -> dict[str, int]:
        """All numbers by name, with the drift."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"drift": self.drift}

    @classmethod
    def read(cls, redis: DeadlineRedis, app: str) -> Self:
        """The books of `app` now. Raises `Unanswered` or `Refused`."""
        reply = redis.run(BOOKS, keys.prefix(app), list(Lane))
        sums = {name.decode(): int(value) for name, value in zip(reply[4::2], reply[5::2], strict=True)}
        known = {field.name for field in fields(cls)} - {"queued", "leased", "delayed", "dead"}
        queued, leased, delayed, dead = map(int, reply[:4])
        counted = {name: value for name, value in sums.items() if name in known}
        return cls(queued=queued, leased=leased, delayed=delayed, dead=dead, **counted)


def reconcile_app(redis: DeadlineRedis, app: str) -> dict[str, int]:
    """Read the books of `app` and raise an alarm when they do not balance."""
    books = Books.read(redis, app)
    if books.drift:
        event("push.books.drifted", level=logging.ERROR, app=app, drift=books.drift, enqueued=books.enqueued)
    return books.as_result()
