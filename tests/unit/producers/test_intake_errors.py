"""What an application is told when Redis fails in the middle of a send."""

from typing import Any

import pytest
from fakeredis import FakeRedisConnection, FakeServer

from producers import ids
from producers.connection import DeadlineRedis, MemoryFull, Refused, Unanswered
from producers.contract import Kind, Lane
from producers.errors import BrokerUnavailable, QueueFull
from producers.intake import Enqueuer, Lettered, Stream
from producers.lookup import Outcomes
from producers.profiles import Profile, Profiles
from producers.receipts import Receipt

PROFILE = Profile("shop", None, 600_000, 86_400_000, 90_000)
RUN = ids.SlotRun("0123456789ab", 0, 2)
LETTERS = [Lettered(push_id, "rid", b"{}", 1_000) for push_id in RUN.push_ids(10**12)]


class Failing(DeadlineRedis):
    """Fails every call in one way."""

    def __init__(self, error: Exception) -> None:
        super().__init__("redis://x", deadline_seconds=1, connection_class=FakeRedisConnection, server=FakeServer())
        self.error = error

    def call(self, *command: Any) -> Any:
        """Raise."""
        raise self.error


def enqueuer(error: Exception) -> Enqueuer:
    """An enqueuer whose Redis fails."""
    store = Failing(error)
    return Enqueuer(store, Profiles(store), Outcomes(store).of)


@pytest.mark.parametrize("maybe_done", [True, False])
def test_each_push_is_told_whether_it_may_be_stored(maybe_done: bool) -> None:
    """And under which id it can be sent again."""
    results = enqueuer(Unanswered("x", maybe_done=maybe_done)).write(
        Stream(PROFILE, Lane.URGENT, Kind.REGID), RUN, LETTERS
    )
    assert [type(each) for each in results] == [BrokerUnavailable] * 2
    assert [(each.push_id, each.maybe_stored) for each in results if isinstance(each, BrokerUnavailable)] == [
        (letter.push_id, maybe_done) for letter in LETTERS
    ]


def test_a_redis_without_memory_is_a_full_queue() -> None:
    """The caller slows down."""
    results = enqueuer(MemoryFull("OOM")).write(Stream(PROFILE, Lane.URGENT, Kind.REGID), RUN, LETTERS)
    assert all(isinstance(each, QueueFull) for each in results)


def test_a_refusal_stores_nothing() -> None:
    """And is no reason to fear a double."""
    results = enqueuer(Refused("READONLY")).write(Stream(PROFILE, Lane.URGENT, Kind.REGID), RUN, LETTERS)
    assert all(isinstance(each, BrokerUnavailable) and not each.maybe_stored for each in results)


@pytest.mark.parametrize("error", [Unanswered("x", maybe_done=True), Refused("BUSY")])
def test_a_status_that_cannot_be_read_says_so(error: Exception) -> None:
    """It is not taken for absent."""
    with pytest.raises(BrokerUnavailable):
        Outcomes(Failing(error)).of(Receipt(LETTERS[0].push_id, "shop", ""))
