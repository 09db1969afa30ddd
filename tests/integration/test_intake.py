"""Pushes that come as Celery messages: stored once, or kept for a person; a bad one never stops the worker."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from config.embedded import EmbeddedRedis
from producers import Producer, State, keys
from producers.connection import DeadlineRedis
from worker.intake import STRAY_BYTES, STRAYS, Intake

SEND: dict[str, Any] = {
    "app": "shop",
    "registration_id": "rid1",
    "notification": {"android": {"alert": "Hi"}},
    "platform": "android",
}


@pytest.fixture
def intake(redis_client: redis.Redis, redis_server: EmbeddedRedis) -> Iterator[Intake]:
    """An intake for the app `shop` on the real Redis."""
    redis_client.hset(keys.profile("shop"), "outcome_seconds", 90_000)
    redis_client.sadd(keys.APPS, "shop")
    store = DeadlineRedis(redis_server.url, deadline_seconds=5)
    producer = Producer(redis_server.url, deadline_seconds=5)
    yield Intake(producer, store)
    producer.close()
    store.close()


def strays(client: redis.Redis) -> list[Any]:
    """What was kept for a person."""
    found: Any = client.xrange(STRAYS)
    return [fields for _, fields in found]


def queued(client: redis.Redis) -> int:
    """Pushes in the lanes of the app."""
    return sum(client.xlen(name) for name in client.keys("push:{shop}:lane:*"))


def test_a_message_is_stored_once_however_often_it_comes(intake: Intake, redis_client: redis.Redis) -> None:
    """Its task id is its key."""
    for _ in range(3):
        assert intake.send("task-1", SEND) == {"app": "shop", "stored": 1, "refused": 0}
    assert queued(redis_client) == 1
    intake.send("task-2", SEND)
    assert queued(redis_client) == 2


def test_an_empty_key_in_a_message_is_none(intake: Intake, redis_client: redis.Redis) -> None:
    """Another language may spell every field: a redelivery still stores nothing twice."""
    for _ in range(2):
        intake.send("task-1", SEND | {"idempotency_key": None})
        intake.send("task-1", SEND | {"idempotency_key": ""})
    assert queued(redis_client) == 1


def test_a_key_of_its_own_holds_across_messages(intake: Intake, redis_client: redis.Redis) -> None:
    """It is the application's word."""
    intake.send("task-1", SEND | {"idempotency_key": "order"})
    intake.send("task-2", SEND | {"idempotency_key": "order"})
    assert queued(redis_client) == 1


def test_a_batch_stores_what_it_can(intake: Intake, redis_client: redis.Redis) -> None:
    """A bad item becomes a stray, its neighbours are stored, and a redelivery changes nothing."""
    item = {name: value for name, value in SEND.items() if name != "app"}
    pushes = {
        "app": "shop",
        "lane": "urgent",
        "sends": [item, item | {"registration_id": ""}, item | {"nonsense": 1}, item],
    }
    for _ in range(2):
        result = intake.batch("task-1", pushes)
        assert (result["stored"], result["refused"]) == (2, 2)
    assert queued(redis_client) == 2
    assert len(strays(redis_client)) == 4


HUGE = 10**400
MALFORMED: list[dict[str, Any]] = [
    {},
    {"app": "shop"},
    {"app": None, **{name: value for name, value in SEND.items() if name != "app"}},
    SEND | {"app": 5},
    SEND | {"app": ["shop"]},
    SEND | {"app": {"a": 1}},
    SEND | {"app": "nobody"},
    SEND | {"app": "\ud800"},
    SEND | {"v": 99},
    SEND | {"v": "1"},
    SEND | {"v": []},
    SEND | {"lane": "express"},
    SEND | {"lane": []},
    SEND | {"registration_id": 5},
    SEND | {"registration_id": ["a"]},
    SEND | {"registration_id": "\ud800"},
    SEND | {"alias": "also"},
    SEND | {"platform": 5},
    SEND | {"platform": None},
    SEND | {"platform": {"android": 1}},
    SEND | {"platform": [["android"]]},
    SEND | {"notification": 7},
    SEND | {"notification": []},
    SEND | {"notification": {"android": {"alert": "\ud800"}}},
    SEND | {"message": {"msg_content": "both"}},
    SEND | {"options": "fast"},
    SEND | {"options": {"cid": "mine"}},
    SEND | {"options": {"time_to_live": -1}},
    SEND | {"options": {"time_to_live": HUGE}},
    SEND | {"custom_args": 5},
    SEND | {"expires_in": "soon"},
    SEND | {"expires_in": -1},
    SEND | {"expires_in": float("nan")},
    SEND | {"expires_in": True},
    SEND | {"idempotency_key": 5},
    SEND | {"idempotency_key": "\ud800"},
    SEND | {"nonsense": "\ud800"},
    SEND | {"push_id": 5, "registration_id": ""},
]


@pytest.mark.parametrize("push", MALFORMED, ids=lambda push: json.dumps(push)[-50:])
def test_a_malformed_message_becomes_a_stray(intake: Intake, redis_client: redis.Redis, push: dict[str, Any]) -> None:
    """Nothing is stored, nothing is raised, and the reason names what is wrong."""
    result = intake.send("task-1", push)
    assert (result["stored"], result["refused"]) == (0, 1)
    (stray,) = strays(redis_client)
    assert stray[b"task"] == b"push.send"
    assert stray[b"id"] == b"task-1"
    assert stray[b"reason"]
    assert queued(redis_client) == 0


@pytest.mark.parametrize("sends", [None, "x", {}, [1], [[]], [None]])
def test_a_malformed_batch_becomes_one_stray(intake: Intake, redis_client: redis.Redis, sends: Any) -> None:
    """As a whole."""
    assert intake.batch("task-1", {"app": "shop", "sends": sends})["refused"] == 1
    assert len(strays(redis_client)) == 1


def test_a_stray_is_cut_to_its_bound(intake: Intake, redis_client: redis.Redis) -> None:
    """In bytes, whatever the characters."""
    intake.send("task-1", SEND | {"nonsense": "\u4e16" * 10_000})
    assert len(strays(redis_client)[0][b"kwargs"]) <= STRAY_BYTES


def test_a_stored_message_can_be_asked_for(intake: Intake, redis_client: redis.Redis) -> None:
    """Its id follows from the task id."""
    from producers import ids

    intake.send("task-1", SEND)
    assert intake.producer.status(ids.derive_push_id("shop", "task-1/0"), app="shop").state is State.PENDING
