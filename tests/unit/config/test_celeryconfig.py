"""Celery's options: only known ones, JSON only, nothing lost in silence; and where each message really goes."""

import pytest
from celery import Celery
from celery.app.defaults import NAMESPACES, flatten
from kombu.transport.redis import Channel

from config.celeryconfig import celery_options, visibility_seconds
from config.delivery import DeliverySettings
from config.queues import DEAD_EXCHANGE, EXCHANGE, dead_letter_queue
from config.settings import Settings
from producers.contract import QUEUES


@pytest.fixture
def settings() -> Settings:
    return Settings()


def celery_app(settings: Settings, broker_url: str | None = None) -> Celery:
    app = Celery("test", set_as_current=False)
    app.conf.update(celery_options(settings))
    if broker_url:
        app.conf.broker_url = broker_url
    return app


def test_every_option_is_one_that_celery_knows(settings):
    known = {name for name, _ in flatten(NAMESPACES)}
    assert set(celery_options(settings)) <= known


def test_every_redis_transport_option_is_one_that_kombu_reads(settings):
    assert set(celery_options(settings)["broker_transport_options"]) <= set(Channel.from_transport_options)


def test_the_function_is_pure(settings, tmp_path):
    assert celery_options(settings) == celery_options(settings)
    assert list(tmp_path.iterdir()) == []


def test_only_json_is_accepted(settings):
    options = celery_options(settings)
    assert options["accept_content"] == options["result_accept_content"] == ["json"]
    assert {options[f"{kind}_serializer"] for kind in ("task", "result", "event")} == {"json"}


def test_a_message_is_acknowledged_after_the_work(settings):
    options = celery_options(settings)
    assert options["task_acks_late"]
    assert options["task_reject_on_worker_lost"]
    assert options["worker_prefetch_multiplier"] == 1


@pytest.mark.parametrize(
    "delivery",
    [
        DeliverySettings(),
        DeliverySettings(lease_ms=300_000, call_deadline_ms=200_000),
        DeliverySettings(slice_ms=60_000),
    ],
)
def test_visibility_outlasts_the_longest_task(delivery):
    assert visibility_seconds(delivery) * 1000 > delivery.slice_ms + delivery.lease_ms


def test_the_schedule_is_handed_in_and_kept_in_the_state_folder(settings):
    schedule = {"tick": {"task": "push.reconcile", "schedule": 60.0}}
    options = celery_options(settings, schedule)
    assert options["beat_schedule"] == schedule
    assert options["beat_schedule_filename"] == ".state/beat-schedule"
    assert celery_options(settings)["beat_schedule"] == {}


@pytest.mark.parametrize(
    ("given", "for_kombu"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        ("amqp://u:p@h//", "amqp://u:p@h//"),
        ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
    ],
)
def test_the_broker_address_is_spelled_for_kombu(given, for_kombu):
    assert celery_options(Settings(broker_url=given))["broker_url"] == for_kombu


def test_rabbitmq_gets_confirmed_publishes_and_quorum_queues_with_somewhere_for_the_dead():
    options = celery_options(Settings(broker_url="amqp://h//"))
    assert options["broker_transport_options"]["confirm_publish"]
    assert "visibility_timeout" not in options["broker_transport_options"]
    for queue in options["task_queues"]:
        assert queue.queue_arguments["x-queue-type"] == "quorum"
        assert queue.queue_arguments["x-dead-letter-exchange"] == DEAD_EXCHANGE == dead_letter_queue().exchange.name
        assert queue.exchange.type == "topic"


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("push.send", "push"),
        ("push.batch", "push"),
        ("push.deliver", "push"),
        ("push.recall", "recall"),
        ("push.job", "manage"),
        ("push.campaign.start", "manage"),
        ("push.stats.poll", "poll"),
        ("push.reconcile", "manage"),
        ("push.retention", "manage"),
    ],
)
def test_each_task_has_its_queue(settings, task, queue):
    route = celery_app(settings).amqp.router.route({}, task)
    assert route["queue"].name == queue


def test_a_slice_travels_on_the_queue_that_its_sender_names(settings):
    assert celery_app(settings).amqp.router.route({"queue": "urgent"}, "push.deliver")["queue"].name == "urgent"


def test_a_misspelt_queue_is_an_error_at_the_sender(settings):
    with pytest.raises(Exception, match="urgnt"):
        celery_app(settings).amqp.router.route({"queue": "urgnt"}, "push.send")


def test_no_queue_shares_its_name_with_the_exchange():
    assert EXCHANGE not in QUEUES


def test_messages_land_in_their_own_queue_also_beside_a_plain_celery_application(settings, redis_client, redis_server):
    ours = celery_app(settings, redis_server.url)
    plain = Celery("somebody-else", broker=redis_server.url, set_as_current=False)
    try:
        plain.send_task("push.send", kwargs={"app": "shop"}, queue="push")
        ours.send_task("push.deliver", args=["shop", "urgent"], queue="urgent")
        ours.send_task("push.stats.poll")
        plain.send_task("push.send", kwargs={"app": "shop"}, queue="push")
        counts = {name: redis_client.llen(name) for name in QUEUES}
    finally:
        ours.close()
        plain.close()
    assert counts == {"urgent": 1, "push": 2, "bulk": 0, "recall": 0, "manage": 0, "poll": 1}
