"""The producer on a real Redis: typed errors at the sender, and repeats that are safe."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from config.embedded import EmbeddedRedis
from producers import InvalidPush, Producer, Receipt, Send, State, UnknownApp, keys

CONTENT: dict[str, Any] = {"notification": {"android": {"alert": "Hi"}}, "platform": "android"}


@pytest.fixture
def producer(redis_client: redis.Redis, redis_server: EmbeddedRedis) -> Iterator[Producer]:
    """A producer for the app `shop`."""
    redis_client.hset(keys.profile("shop"), "outcome_seconds", 90_000)
    redis_client.sadd(keys.APPS, "shop")
    made = Producer(redis_server.url)
    yield made
    made.close()


def enqueued(client: redis.Redis) -> int:
    """Pushes counted in."""
    return int(client.hget(keys.prefix("shop") + "counts", "enqueued") or 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"registration_id": None}, "registration_id"),
        ({"alias": "both"}, "registration_id"),
        ({"registration_id": ""}, "registration_id"),
        ({"registration_id": None, "alias": "x" * 41}, "alias"),
        ({"platform": 5}, "platform"),
        ({"platform": None}, "platform"),
        ({"platform": "windows"}, "platform"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": float("inf")}, "expires_in"),
        ({"lane": "express"}, "lane"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"push_id": "x"}, "push_id"),
        ({"push_id": "!" * 9 + "0" * 15}, "push_id"),
        ({"push_id": "k" + "0" * 23}, "push_id"),
        ({"push_id": 5}, "push_id"),
    ],
)
def test_a_bad_argument_is_refused_by_its_name(
    producer: Producer, redis_client: redis.Redis, changes: dict[str, Any], field: str
) -> None:
    """Before anything is stored."""
    with pytest.raises(InvalidPush) as caught:
        producer.send(**{"app": "shop", "registration_id": "rid1", **CONTENT, **changes})
    assert caught.value.field == field
    assert enqueued(redis_client) == 0


def test_sends_that_are_repeated_together_are_stored_each(producer: Producer, redis_client: redis.Redis) -> None:
    """Also if their first tries were calls of their own, of which only one arrived."""
    first = producer.send(app="shop", registration_id="rid1", **CONTENT)
    lost = producer.send(app="shop", registration_id="rid2", **CONTENT)
    redis_client.flushall()
    redis_client.hset(keys.profile("shop"), "outcome_seconds", 90_000)
    producer.send(app="shop", registration_id="rid1", push_id=first.push_id, **CONTENT)
    items = [Send(registration_id="rid1", **CONTENT), Send(registration_id="rid2", **CONTENT)]
    producer.send_many(items, app="shop", push_ids=[first.push_id, lost.push_id])
    assert enqueued(redis_client) == 2


def test_a_bad_item_does_not_stop_the_others(producer: Producer, redis_client: redis.Redis) -> None:
    """Whatever is wrong with it."""
    items: list[Any] = [
        Send(registration_id="rid1", **CONTENT),
        {"registration_id": "rid2", **CONTENT, "platform": 5},
        {"registration_id": "rid3", "nonsense": 1},
        Send(registration_id="rid4", **CONTENT),
    ]
    report = producer.send_many(items, app="shop")
    assert [type(result) for result in report.results] == [Receipt, InvalidPush, InvalidPush, Receipt]
    assert enqueued(redis_client) == 2


@pytest.mark.parametrize("count", [1, 7, 1_201])
def test_send_many_repeated_under_its_ids_stores_nothing_twice(
    producer: Producer, redis_client: redis.Redis, count: int
) -> None:
    """Over several round trips, and with targets of both kinds among each other."""
    items = [
        Send(alias=f"alias{i}", **CONTENT) if i % 3 == 2 else Send(registration_id=f"rid{i}", **CONTENT)
        for i in range(count)
    ]
    first = producer.send_many(items, app="shop")
    ids = [receipt.push_id for receipt in first.receipts]
    assert len(set(ids)) == count
    again = producer.send_many(items, app="shop", push_ids=ids)
    assert again.results == first.results
    assert enqueued(redis_client) == count


@pytest.mark.parametrize("push_id", ["", "z" * 24, "0" * 21 + "zzz", "x", "0" * 23])
def test_the_status_of_what_is_no_id_is_refused(producer: Producer, push_id: str) -> None:
    """By its name."""
    with pytest.raises(InvalidPush) as caught:
        producer.status(push_id, app="shop")
    assert caught.value.field == "push_id"


def test_the_status_of_an_id_that_was_never_given_is_absent(producer: Producer) -> None:
    """Random or derived."""
    for push_id in ("1mcc5rm000123456789ab0zz", "k" + "0" * 23):
        assert producer.status(push_id, app="shop").state is State.ABSENT


def test_an_app_that_nobody_serves_is_unknown(producer: Producer) -> None:
    """The error names those that are served."""
    with pytest.raises(UnknownApp) as caught:
        producer.send(app="shoq", registration_id="rid1", **CONTENT)
    assert caught.value.known == ("shop",)
