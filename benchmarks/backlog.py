"""A prefilled lane: filled while its app is paused, then opened."""

import time

import redis

from producers import Producer, keys
from sandbox.stack import Stack

from .run import APP, Unmeasured, wait_until
from .sends import notification, registration_ids

DRAIN_SECONDS = 180.0


class Backlog:
    """The transactional lane of the app of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._redis: redis.Redis = stack.redis.client()
        self._producer: Producer = stack.producer(deadline_seconds=10.0)
        self._prefix = keys.prefix(APP)
        self._sent = 0

    def pause(self) -> None:
        """Close the app, as a person does, and wait until no call is under way."""
        self._redis.hset(f"{self._prefix}gate", "paused", "benchmark")
        wait_until(lambda: self._stack.books(APP).leased == 0, 30.0, "the calls in flight end")

    def fill(self, count: int) -> None:
        """Store `count` sends: one content, whose 300 bytes are nevertheless stored with each."""
        ids = registration_ids(count, self._sent)
        report = self._producer.send_to_many(app=APP, registration_ids=ids, notification=notification())
        self._sent += count
        if len(report.receipts) != count:
            raise Unmeasured(f"{count - len(report.receipts)} of {count} sends were not stored")

    def open(self) -> float:
        """Open the app and ring its bell, as resuming does; returns the monotonic time just before."""
        started_at = time.monotonic()
        with self._redis.pipeline(transaction=True) as both:
            both.hdel(f"{self._prefix}gate", "paused")
            both.rpush(keys.bell(APP, "push"), "1")
            both.execute()
        return started_at

    def outcomes(self) -> int:
        """How many sends are recorded as accepted."""
        return int(self._redis.hget(f"{self._prefix}counts", "accepted") or 0)

    def drain(self, count: int) -> float:
        """Seconds from opening to the `count`-th outcome recorded from now on."""
        wanted = self.outcomes() + count
        started_at = self.open()
        return wait_until(lambda: self.outcomes() >= wanted, DRAIN_SECONDS, f"{count} sends drained") - started_at

    def check(self) -> None:
        """Compare the books and the sandbox with what was sent.

        Raises:
            Unmeasured: something is missing, surplus or not accepted.
        """
        books, seen = self._stack.books(APP), self._stack.sandbox.counts(APP)
        if books.accepted != self._sent or books.drift or seen["deliveries"] != self._sent or seen["duplicates"]:
            raise Unmeasured(f"{self._sent} sends became {books}, the sandbox saw {seen['deliveries']}")

    def close(self) -> None:
        """Close the connection of this object."""
        self._redis.close()
