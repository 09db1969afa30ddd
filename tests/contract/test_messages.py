"""The messages that other Celery apps and other languages send: samples that every later version must still take."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from config.embedded import EmbeddedRedis
from producers import Producer, contract
from producers.connection import DeadlineRedis
from producers.entry import read_entry
from producers.ids import derive_push_id
from tests.contract.interpreter import run_python
from worker.intake import STRAYS, Intake

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(GOLDEN.glob("*.json"))}

TASKS = """
import json, sys
from celery import Celery
names = []
register = Celery.task
def noted(self, *args, **options):
    names.extend(name for name in [options["name"]] if name.startswith("push."))
    return register(self, *args, **options)
Celery.task = noted
from worker.app import app
bound = [name for name, task in app.tasks.items() if name.startswith("push.") and task.app is app]
queues = {queue.name: queue.exchange.name for queue in app.conf.task_queues}
routes = {name: app.amqp.router.route({}, name)["queue"].name for name in sys.argv[1:]}
print(json.dumps({"named": names, "bound": bound, "queues": queues, "routes": routes}))
"""
TASK_NAMES = sorted(value for name, value in vars(contract).items() if name.startswith("TASK_"))


@pytest.fixture
def intake(redis_server: EmbeddedRedis, producer: Producer) -> Iterator[Intake]:
    connection = DeadlineRedis(redis_server.url, deadline_seconds=5.0)
    yield Intake(producer, connection)
    connection.close()


def take(intake: Intake, task: str, task_id: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Hand a message to the code that the task of that name runs."""
    handlers = {contract.TASK_SEND: intake.send, contract.TASK_BATCH: intake.batch}
    # Through JSON once more, as the broker does it.
    return handlers[task](task_id, json.loads(json.dumps(kwargs)))


def stored_in(client: redis.Redis, stream: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Push id, target and item of every entry of a lane; the cid must be the push id."""
    entries = []
    answer: Any = client.xrange("push:{shop}:lane:" + stream)
    for _, fields in answer:
        entry = read_entry(fields[b"h"], fields[b"b"], fields.get(b"r", b""))
        item = json.loads(entry.body)
        assert item["options"].pop("cid") == entry.push_id
        entries.append((entry.push_id, entry.target, item))
    return entries


def expected_id(sample: dict[str, Any], named: str) -> str:
    """The push id that a message must lead to, in this and in every later version."""
    key = sample["kwargs"].get("idempotency_key") or named.replace("TASK_ID", sample["id"])
    return derive_push_id("shop", key)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_golden_message_is_stored_as_written(intake, redis_client, name):
    sample = SAMPLES[name]
    assert sample["task"] == name
    answer = take(intake, name, sample["id"], sample["kwargs"])
    assert answer == {"app": "shop", "stored": len(sample["stored"]), "refused": 0}
    for entry in sample["stored"]:
        wanted = (expected_id(sample, entry["push_id"]), entry["target"], entry["item"])
        assert stored_in(redis_client, entry["stream"]) == [wanted]
    assert redis_client.exists(STRAYS) == 0


@pytest.mark.parametrize("name", SAMPLES)
def test_a_golden_message_that_comes_again_stores_nothing_more(intake, redis_client, name):
    sample = SAMPLES[name]
    for _ in range(2):
        take(intake, name, sample["id"], sample["kwargs"])
    assert redis_client.hget("push:{shop}:counts", "enqueued") == str(len(sample["stored"])).encode()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_plain_celery_app_puts_the_golden_message_on_the_wire(name, redis_server, redis_client):
    sample = SAMPLES[name]
    app = Celery("application", broker=redis_server.url, set_as_current=False)
    with app.connection_for_write() as connection:
        app.send_task(name, kwargs=sample["kwargs"], queue=sample["queue"], task_id=sample["id"], connection=connection)
    app.close()
    message = json.loads(redis_client.lpop(sample["queue"]))
    assert (message["headers"]["task"], message["headers"]["id"]) == (name, sample["id"])
    assert message["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("task", "kwargs", "reason"),
    [
        ("push.send", {}, "app"),
        ("push.send", {"app": "shop", "alias": "a"}, "notification"),
        ("push.send", {"app": "nobody", "alias": "a", "notification": "hi"}, "nobody"),
        ("push.send", {"app": "shop", "alias": "a", "notification": "hi", "v": 99}, "version 1"),
        ("push.send", {"app": "shop", "alias": "a", "notification": "hi", "colour": "red"}, "colour"),
        ("push.send", {"app": 5, "alias": "a", "notification": "hi"}, ""),
        ("push.batch", {"app": "shop"}, "sends"),
        ("push.batch", {"app": "shop", "sends": ["x"]}, "sends"),
        ("push.batch", {"app": "shop", "sends": [{"alias": "x" * 41, "notification": "hi"}]}, "alias"),
    ],
)
def test_a_malformed_message_is_kept_for_a_person_and_stops_nothing(intake, redis_client, task, kwargs, reason):
    answer = take(intake, task, "some-id", kwargs)
    assert (answer["stored"], answer["refused"]) == (0, 1)
    ((_, stray),) = redis_client.xrange(STRAYS)
    assert (stray[b"task"].decode(), stray[b"id"]) == (task, b"some-id")
    assert reason in stray[b"reason"].decode()
    good = SAMPLES["push.send"]
    assert take(intake, "push.send", good["id"], good["kwargs"])["stored"] == 1


@pytest.fixture(scope="module")
def worker_app(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the worker's Celery app knows, from a process that has the settings of one app."""
    folder = tmp_path_factory.mktemp("worker")
    root = str(Path(__file__).parents[2])
    environment = {
        "PYTHONPATH": root,
        "PUSH_APPS__shop__APP_KEY": "key",
        "PUSH_APPS__shop__MASTER_SECRET": "not-a-secret",
        "PUSH_APPS__shop__REGION": "sgp",
        "PUSH_STATE_DIR": str(folder / "state"),
    }
    answer: dict[str, Any] = run_python(TASKS, *TASK_NAMES, cwd=folder, env=environment)
    return answer


def test_each_task_name_is_distinct_and_says_push():
    assert len(TASK_NAMES) == len(set(TASK_NAMES))
    assert all(name.startswith("push.") for name in TASK_NAMES)


def test_each_task_of_the_contract_is_registered_exactly_once_and_no_other(worker_app):
    assert sorted(worker_app["named"]) == TASK_NAMES
    assert sorted(worker_app["bound"]) == TASK_NAMES


def test_the_queues_are_the_promised_ones(worker_app):
    assert contract.QUEUES == ("urgent", "push", "bulk", "recall", "manage", "poll")
    assert sorted(worker_app["queues"]) == sorted(contract.QUEUES)
    assert {lane_class.value for lane_class in contract.LaneClass} < set(contract.QUEUES)


def test_every_task_has_a_queue_that_workers_read(worker_app):
    assert worker_app["routes"].keys() == set(TASK_NAMES)
    assert set(worker_app["routes"].values()) <= set(contract.QUEUES)
    assert {worker_app["routes"][name] for name in SAMPLES} == {sample["queue"] for sample in SAMPLES.values()}
