"""The recording producer refuses and answers what the real one would, and remembers instead of storing."""

from datetime import UTC, datetime

import pytest

from producers import (
    BrokerUnavailable,
    IdempotencyConflict,
    InvalidPush,
    Lane,
    Producer,
    QueueFull,
    Send,
    State,
    UnknownApp,
    WaitTimeout,
)
from producers.contract import Kind
from producers.testing import RecordingProducer


@pytest.fixture
def producer() -> RecordingProducer:
    return RecordingProducer(apps={"shop": True, "news": None})


def test_it_stands_in_for_a_producer(producer):
    assert isinstance(producer, Producer)


def test_a_send_is_recorded_with_what_would_go_to_the_api(producer):
    receipt = producer.send(
        app="shop",
        alias="user_42",
        notification={"alert": "hi"},
        options={"time_to_live": 60},
        lane="urgent",
        expires_in=30,
        idempotency_key="order-7",
    )
    (push,) = producer.sent
    assert (push.push_id, push.app, push.lane, push.kind) == (receipt.push_id, "shop", Lane.URGENT, Kind.ALIAS)
    assert (push.target, push.idempotency_key, push.life_ms) == ("user_42", "order-7", 30_000)
    assert push.content == {
        "platform": "all",
        "notification": {"alert": "hi"},
        "options": {"apns_production": True, "time_to_live": 60},
    }


def test_content_without_options_has_none(producer):
    producer.send(app="news", registration_id="rid", notification="hi", platform="android")
    assert producer.sent[0].content == {"platform": "android", "notification": {"alert": "hi"}}


def test_a_record_cannot_be_changed(producer):
    producer.send(app="shop", registration_id="rid", notification="hi")
    with pytest.raises(AttributeError):
        producer.sent[0].target = "other"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"alias": "x" * 41}, "alias"),
        ({"registration_id": ""}, "registration_id"),
        ({"alias": "a", "platform": "windows"}, "platform"),
        ({"alias": "a", "options": {"cid": "mine"}}, "options.cid"),
        ({"alias": "a", "lane": "bulk"}, "lane"),
        ({"alias": "a", "push_id": "x"}, "push_id"),
        (
            {"alias": "a", "notification": {"android": {"extras": {"at": datetime(2026, 1, 1, tzinfo=UTC)}}}},
            "notification.android.extras.at",
        ),
    ],
)
def test_it_refuses_what_the_real_one_refuses(producer, wrong, field):
    with pytest.raises(InvalidPush) as caught:
        producer.send(**{"app": "shop", "notification": "hi"} | wrong)
    assert caught.value.field == field
    assert producer.sent == []


def test_an_app_without_an_environment_cannot_reach_ios(producer):
    with pytest.raises(InvalidPush):
        producer.send(app="news", alias="a", notification="hi")
    assert RecordingProducer(apps=["news"], apns_production=False).send(app="news", alias="a", notification="hi")


def test_other_apps_are_unknown_and_without_a_list_all_are_known(producer):
    with pytest.raises(UnknownApp) as caught:
        producer.send(app="shpo", alias="a", notification="hi")
    assert caught.value.known == ("news", "shop")
    assert RecordingProducer(apns_production=True).send(app="anything", alias="a", notification="hi")


def test_a_repeat_with_the_same_key_is_a_duplicate_and_other_content_a_conflict(producer):
    push = {"app": "shop", "alias": "a", "notification": "hi", "idempotency_key": "k"}
    first, second = producer.send(**push), producer.send(**push)
    assert (first.push_id, first.duplicate, second.duplicate) == (second.push_id, False, True)
    with pytest.raises(IdempotencyConflict) as caught:
        producer.send(**push | {"notification": "other"})
    assert caught.value.push_id == first.push_id
    with pytest.raises(IdempotencyConflict):
        producer.send(**push | {"alias": "b"})
    assert len(producer.sent) == 1
    assert producer.send(**{**push, "app": "shop", "idempotency_key": "k2"}).duplicate is False


def test_send_many_reports_in_order_and_send_to_many_encodes_once(producer):
    report = producer.send_many(
        [Send(registration_id="r", notification="hi"), {"alias": ""}, {"alias": "a", "notification": "hi"}], app="shop"
    )
    assert [type(result).__name__ for result in report.results] == ["Receipt", "InvalidPush", "Receipt"]
    producer.send_to_many(app="shop", aliases=["b", "c"], notification="hi")
    assert [push.target for push in producer.sent] == ["r", "a", "b", "c"]
    assert len({push.push_id for push in producer.sent}) == 4


def test_prepared_errors_come_once_and_in_order(producer):
    producer.raise_next(QueueFull("shop", 5, 5), BrokerUnavailable([], maybe_stored=True))
    push = {"app": "shop", "alias": "a", "notification": "hi"}
    with pytest.raises(QueueFull):
        producer.send(**push)
    with pytest.raises(BrokerUnavailable) as caught:
        producer.send(**push)
    assert producer.sent == []
    receipt = producer.send(**push, push_id=caught.value.push_id)
    assert receipt.push_id == caught.value.push_id
    assert producer.send(**push, push_id=caught.value.push_id).duplicate is False
    assert len(producer.sent) == 1


def test_send_many_reports_a_prepared_error_for_each_push(producer):
    producer.raise_next(BrokerUnavailable([], maybe_stored=True))
    report = producer.send_to_many(app="shop", aliases=["a", "b"], notification="hi")
    assert len({error.push_id for error in report.errors.values()}) == 2


def test_wait_answers_accepted_unless_told_otherwise(producer):
    push = {"app": "shop", "alias": "a", "notification": "hi"}
    first, second = producer.send(**push), producer.send(**push)
    assert first.wait(0).state is State.ACCEPTED
    producer.set_outcome(State.REJECTED, code=21003, message="bad", push_id=second.push_id)
    assert (second.wait(0).code, second.wait(0).message) == (21003, "bad")
    assert first.wait(0).state is State.ACCEPTED
    producer.set_outcome(State.PENDING)
    with pytest.raises(WaitTimeout):
        first.wait(0)


def test_status_knows_only_what_was_sent_to_that_app(producer):
    receipt = producer.send(app="shop", alias="a", notification="hi")
    assert producer.status(receipt.push_id, app="shop").state is State.ACCEPTED
    assert producer.status(receipt.push_id, app="news").state is State.ABSENT
    with pytest.raises(InvalidPush):
        producer.status("short", app="shop")
    producer.raise_next(BrokerUnavailable([], maybe_stored=True), on="status")
    with pytest.raises(BrokerUnavailable) as caught:
        receipt.wait(0)
    assert caught.value.push_ids == (receipt.push_id,)


def test_clear_forgets_everything(producer):
    push = {"app": "shop", "alias": "a", "notification": "hi", "idempotency_key": "k"}
    producer.send(**push)
    producer.set_outcome(State.DEAD)
    producer.raise_next(QueueFull("shop", 1, 1))
    producer.clear()
    assert producer.sent == []
    assert producer.send(**push).wait(0).state is State.ACCEPTED


def test_what_it_cannot_record_is_said_so_instead_of_reaching_for_a_server(producer):
    with pytest.raises(NotImplementedError, match="records sends"):
        producer._redis.call("PING")
    producer.close()
