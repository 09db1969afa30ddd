"""Bad input fails at the sender, with an error that names the field, and leaves Redis as it was."""

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from config.embedded import EmbeddedRedis
from producers import BrokerUnavailable, IdempotencyConflict, InvalidPush, Message, Notification, Producer, UnknownApp
from producers.models.fragments import BODY_BYTES
from tests.contract.apps import APP, register

DEADLINE_SECONDS = 0.5
MARGIN_SECONDS = 0.4
GOOD: dict[str, Any] = {"app": APP, "registration_id": "1a0018970a8b2c3d", "notification": {"alert": "hi"}}


def notification_of(size: int) -> dict[str, str]:
    """A notification of exactly `size` bytes of JSON."""
    return {"alert": "x" * (size - len('{"alert":""}'))}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "both payloads": ({"message": {"msg_content": "m"}}, "message"),
    "no payload": ({"notification": None}, "notification"),
    "4,001 bytes": ({"notification": notification_of(BODY_BYTES + 1)}, "notification"),
    "4,001 bytes in umlauts": ({"notification": {"alert": "ü" * 1_995}}, "notification"),
    "unknown platform": ({"platform": "windows"}, "platform"),
    "empty target": ({"registration_id": ""}, "registration_id"),
    "no target": ({"registration_id": None}, "registration_id"),
    "two targets": ({"alias": "a"}, "registration_id"),
    "empty alias": ({"registration_id": None, "alias": ""}, "alias"),
    "alias of 41 bytes": ({"registration_id": None, "alias": "x" * 41}, "alias"),
    "alias of 42 bytes in 14 characters": ({"registration_id": None, "alias": "用" * 14}, "alias"),
    "negative time_to_live": ({"options": {"time_to_live": -1}}, "options.time_to_live"),
    "a cid of one's own": ({"options": {"cid": "mine"}}, "options.cid"),
    "extras that are no JSON": (
        {"notification": {"android": {"extras": {"at": datetime(2026, 1, 1, tzinfo=UTC)}}}},
        "notification.android.extras.at",
    ),
    "an object as extra": ({"notification": {"ios": {"extras": {"a": [object()]}}}}, "notification.ios.extras.a.0"),
    "bytes": ({"notification": None, "message": {"msg_content": {"raw": b"x"}}}, "message.msg_content.raw"),
    "not a number": ({"notification": {"alert": {"title": float("nan")}}}, "notification.alert.title"),
    "half a surrogate": ({"notification": {"alert": "\ud800"}}, "notification.alert"),
    "unknown lane": ({"lane": "bulk"}, "lane"),
    "a life of nothing": ({"expires_in": 0}, "expires_in"),
    "an empty key": ({"idempotency_key": ""}, "idempotency_key"),
    "a push id of no form": ({"push_id": "x"}, "push_id"),
}


def everything_in(client: redis.Redis) -> dict[bytes, bytes | None]:
    """Every key with its whole value."""
    return {key: client.dump(key) for key in client.scan_iter("*", count=1000)}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_push_names_its_field_and_leaves_nothing_behind(producer, redis_client, case):
    change, field = REFUSED[case]
    before = everything_in(redis_client)
    with pytest.raises(InvalidPush) as caught:
        producer.send(**GOOD | change)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert everything_in(redis_client) == before


@pytest.mark.parametrize("case", [case for case, (change, _) in REFUSED.items() if not {"lane", "push_id"} & {*change}])
def test_in_send_many_it_stops_nothing_else(producer, redis_client, case):
    change, field = REFUSED[case]
    good = {name: value for name, value in GOOD.items() if name != "app"}
    report = producer.send_many([good, good | change, good], app=APP)
    assert {position: error.field for position, error in report.errors.items()} == {1: field}
    assert redis_client.xlen("push:{shop}:lane:transactional:regid") == 2
    assert redis_client.hgetall("push:{shop}:counts") == {b"enqueued": b"2"}


def test_exactly_4000_bytes_are_sent(producer):
    assert producer.send(**GOOD | {"notification": notification_of(BODY_BYTES)}).push_id


def test_models_refuse_where_they_are_built():
    with pytest.raises(InvalidPush, match=r"^notification\.android\.extras\.when: "):
        Notification(android={"extras": {"when": object()}})
    with pytest.raises(InvalidPush, match=r"^message\.msg_content: "):
        Message(**{})


@pytest.mark.parametrize("app", ["shpo", "", "a}:b", "ä", "x" * 500])
def test_an_unknown_app_is_named_with_the_known_ones(producer, redis_client, app):
    before = everything_in(redis_client)
    with pytest.raises(UnknownApp) as caught:
        producer.send(**GOOD | {"app": app})
    assert (caught.value.app, caught.value.known) == (app[:40], (APP,))
    assert everything_in(redis_client) == before


def test_a_conflict_of_keys_leaves_the_first_push_alone(producer, redis_client):
    first = producer.send(**GOOD, idempotency_key="order-1234567")
    with pytest.raises(IdempotencyConflict) as caught:
        producer.send(**GOOD | {"notification": "other", "idempotency_key": "order-1234567"})
    assert caught.value.push_id == first.push_id
    assert "order-1234567" not in str(caught.value)
    assert redis_client.xlen("push:{shop}:lane:transactional:regid") == 1
    assert redis_client.hgetall("push:{shop}:counts") == {b"enqueued": b"1"}


@pytest.mark.parametrize("case", REFUSED)
def test_errors_hold_no_body_and_no_whole_target(producer, case):
    change, _ = REFUSED[case]
    with pytest.raises(InvalidPush) as caught:
        producer.send(**GOOD | change)
    told = str(caught.value) + repr(caught.value)
    long_texts = [text for text in _texts(change) if len(text) > 10]
    assert [text for text in long_texts if text in told] == []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


class TestRedisIsDown:
    """The answer comes within the deadline, says what is known, and carries the id to repeat with."""

    @pytest.fixture
    def server(self, tmp_path) -> Iterator[EmbeddedRedis]:
        """A server of the test's own, with the app, to be killed or stopped."""
        with EmbeddedRedis(tmp_path) as server:
            client = server.client()
            register(client)
            client.close()
            yield server

    @pytest.fixture
    def producer(self, server) -> Iterator[Producer]:
        made = Producer(server.url, deadline_seconds=DEADLINE_SECONDS)
        yield made
        made.close()

    def test_a_dead_server_before_the_first_send(self, server, producer):
        server.kill()
        assert self.refusal(producer).maybe_stored is False

    def test_a_dead_server_after_a_send(self, server, producer):
        producer.send(**GOOD)
        server.kill()
        error = self.refusal(producer)
        assert error.push_id is not None

    def test_a_silent_server_may_have_stored_it_and_a_repeat_is_met(self, server, producer):
        producer.send(**GOOD)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            error = self.refusal(producer)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert error.maybe_stored is True
        assert producer.send(**GOOD, push_id=error.push_id).push_id == error.push_id
        client = server.client()
        stored = [fields[b"h"][12:36].decode() for _, fields in client.xrange("push:{shop}:lane:transactional:regid")]
        client.close()
        assert stored.count(error.push_id) == 1

    def test_many_sends_share_one_deadline_once_it_is_known(self, server, producer):
        producer.send(**GOOD)
        server.kill()
        started = time.monotonic()
        report = producer.send_to_many(app=APP, aliases=map("a{}".format, range(2_000)), notification="hi")
        assert time.monotonic() - started < DEADLINE_SECONDS + MARGIN_SECONDS
        assert len(report.errors) == 2_000
        assert len({error.push_id for error in report.errors.values()}) == 2_000

    def refusal(self, producer: Producer) -> BrokerUnavailable:
        """The error of one send, which must come in time."""
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable) as caught:
            producer.send(**GOOD)
        assert time.monotonic() - started < DEADLINE_SECONDS + MARGIN_SECONDS
        assert json.dumps(GOOD["registration_id"]) not in str(caught.value)
        return caught.value
