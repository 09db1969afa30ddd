"""What nobody should have written: entries in a lane, and messages on the broker. All of it stops nothing."""

import base64
import contextlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from producers import contract, keys
from producers.entry import Entry
from sandbox.stack import Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, sends, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

LANE = keys.prefix("shop") + "lane:transactional:regid"
DEAD = keys.prefix("shop") + "dead"
REF = "4t8x0q2mzk7w01f"
PUSH_ID = f"1j9rk2m0c{REF}"
PAST, FUTURE = "00000000001", "1ffffffffff"

GARBAGE: dict[str, dict[str | bytes, str | bytes]] = {
    "no field of ours": {"hello": "world"},
    "a header alone": {"h": f"1{FUTURE}{PUSH_ID}rid_1"},
    "a body alone": {"b": '{"target":"rid_1"}'},
    "an empty header": {"h": "", "b": "{}"},
    "an empty body": {"h": f"1{FUTURE}{PUSH_ID}rid_1", "b": ""},
    "no target": {"h": f"1{FUTURE}{PUSH_ID}", "b": "{}"},
    "a version to come": {"h": f"9{FUTURE}{PUSH_ID}rid_1", "b": "{}"},
    "a version to come, expired": {"h": f"9{PAST}{PUSH_ID}rid_1", "b": "{}"},
    "no target, expired": {"h": f"1{PAST}{PUSH_ID}", "b": "{}"},
    "no body, expired": {"h": f"1{PAST}{PUSH_ID}rid_1"},
    "a slot out of range, expired": {"h": f"1{PAST}1j9rk2m0c4t8x0q2mzk7wz1frid_1", "b": "{}"},
    "a derived id without a trail, expired": {"h": f"1{PAST}k{'0' * 23}rid_1", "b": "{}"},
    "an expiry that is no number": {"h": f"1zzzzzzzzzzz{PUSH_ID}rid_1", "b": "{}"},
    "an expiry with signs": {"h": f"1-0000000001{PUSH_ID}rid_1", "b": "{}"},
    "a target that is not UTF-8": {"h": f"1{FUTURE}{PUSH_ID}".encode() + b"\xff\xfe", "b": "{}"},
    "binary all over": {"h": bytes(range(256)), "b": bytes(range(256)), "r": bytes(range(256))},
    "a binary field name": {b"\x00\xff": b"\x00", "h": b"\x00"},
    "a trail too short": {"h": f"1{FUTURE}{PUSH_ID}rid_1", "b": "{}", "r": "x"},
    "a trail of nonsense": {"h": f"1{FUTURE}{PUSH_ID}rid_1", "b": "{}", "r": "|" * 29},
    "a trail of nonsense, expired": {"h": f"1{PAST}{PUSH_ID}rid_1", "b": "{}", "r": f"{REF}xx0{'z' * 11}"},
    "an enormous header": {"h": "x" * 1_000_000, "b": "{}"},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One worker, with its default numbers, for all of this file."""
    with Stack(tmp_path_factory.mktemp("malformed")) as running:
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    """The Redis of the stack, with empty books; its sandbox has seen nothing yet."""
    stack.wait_drained()
    stack.sandbox.reset()
    with stack.redis.client() as connected:
        # One test that unbalances the books must not fail all others.
        connected.delete(keys.prefix("shop") + "counts", DEAD)
        yield connected


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_malformed_entry_is_dead_lettered_and_its_neighbours_go(stack, client, garbage):
    """A lane entry that no producer can have written ends as a dead letter; those around it are delivered."""
    mark = uuid.uuid4().hex[:8]
    stack.workers[0].pause()
    receipts = stack.producer().send_many(sends(mark, 9), app="shop").receipts
    client.xadd(LANE, GARBAGE[garbage])
    receipts += stack.producer().send_many(sends(mark, 9, start=10), app="shop").receipts
    stack.workers[0].resume()
    books = stack.wait_drained(timeout=20)

    assert (books.dead, books.expired, books.accepted) == (1, 0, 18)
    ((_, letter),) = client.xrange(DEAD)
    assert (letter[b"reason"], letter[b"stream"]) == (b"malformed", b"lane:transactional:regid")
    assert_each_once(stack, [receipt.push_id for receipt in receipts])
    assert_balanced(stack)


def test_a_malformed_entry_that_only_the_vendor_can_judge_is_rejected_alone(stack, client):
    """An entry of our form with a body that is no JSON: the call it is in fails for all, and halving finds it."""
    mark = uuid.uuid4().hex[:8]

    entry = Entry(PUSH_ID, f"rid_{mark}", b'{"target": "rid_', 0x1FFFFFFFFFF, REF)
    stack.workers[0].pause()
    receipts = stack.producer().send_many(sends(mark, 9), app="shop").receipts
    # As a producer would have counted it.
    client.hincrby(keys.prefix("shop") + "counts", "enqueued", 1)
    client.xadd(LANE, {"h": entry.header(), "b": entry.body})
    stack.workers[0].resume()
    books = stack.wait_drained(timeout=20)

    assert (books.rejected, books.accepted) == (1, 9), books
    assert_each_once(stack, [receipt.push_id for receipt in receipts])
    assert_balanced(stack)


MESSAGES: dict[str, tuple[str, Any]] = {
    "an unknown task": ("push.nonsense", {"registration_id": "rid_private"}),
    "a field that does not exist": ("push.send", {"app": "shop", "registration_id": "rid_private", "colour": "red"}),
    "no app": ("push.send", {"registration_id": "rid_private", "notification": "x"}),
    "an unknown app": ("push.send", {"app": "nowhere", "registration_id": "rid_private", "notification": "x"}),
    "a wrong type": ("push.send", {"app": ["shop"], "registration_id": {"a": 1}, "notification": 7}),
    "a wrong expiry": (
        "push.send",
        {"app": "shop", "registration_id": "rid_private", "notification": "x", "expires_in": "soon"},
    ),
    "a wrong platform": (
        "push.send",
        {"app": "shop", "registration_id": "rid_private", "notification": "x", "platform": 5},
    ),
    "a version to come": ("push.send", {"app": "shop", "registration_id": "rid_private", "notification": "x", "v": 99}),
    "no list of sends": ("push.batch", {"app": "shop", "sends": "all of them"}),
    "a list of no sends": ("push.batch", {"app": "shop", "sends": [1, None]}),
    "no sends": ("push.batch", {"app": "shop"}),
}


@pytest.mark.parametrize("wrong", MESSAGES)
def test_a_message_that_nobody_can_act_on_is_kept_as_a_stray(stack, client, wrong):
    """A wrong Celery message is kept with its reason for a person to look at, and the next message is served."""
    task, kwargs = MESSAGES[wrong]
    task_id = uuid.uuid4().hex
    with contextlib.closing(Celery("somebody-else", broker=stack.redis_url, set_as_current=False)) as foreign:
        foreign.send_task(task, kwargs=kwargs, queue=contract.QUEUE_PUSH, task_id=task_id)
        until(lambda: any(row[b"id"] == task_id.encode() for _, row in client.xrange("push:strays")), what="the stray")
        assert_still_serving(stack, foreign)
    assert "rid_private" not in stack.workers[0].log()


DELIVERS: dict[str, dict[str, Any]] = {
    "no arguments": {},
    "an unknown app": {"app": "nowhere", "lane_class": "push", "slot": "x"},
    "an unknown class": {"app": "shop", "lane_class": "express", "slot": "x"},
    "one argument too many": {"app": "shop", "lane_class": "push", "slot": "x", "more": 1},
    "wrong types": {"app": None, "lane_class": [], "slot": {}},
    "a slot that is no text": {"app": "shop", "lane_class": "push", "slot": {"a": [1]}},
}


@pytest.mark.parametrize("wrong", DELIVERS)
def test_a_wrong_hint_fails_alone(stack, client, wrong):
    """`push.deliver` with wrong arguments is a failed task and no more: hints carry nothing that could be lost."""
    with contextlib.closing(Celery("somebody-else", broker=stack.redis_url, set_as_current=False)) as foreign:
        foreign.send_task(contract.TASK_DELIVER, kwargs=DELIVERS[wrong], queue=contract.QUEUE_PUSH)
        assert_still_serving(stack, foreign)


def envelope(body: str, **changes: Any) -> str:
    """One message as kombu lays it in a Redis list."""
    properties = {
        "correlation_id": "c", "reply_to": "r", "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
        "delivery_tag": uuid.uuid4().hex, "delivery_info": {"exchange": "", "routing_key": "push"},
    }  # fmt: skip
    message = {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": "push.send", "id": uuid.uuid4().hex, "argsrepr": "", "kwargsrepr": ""},
        "properties": properties,
    }
    return json.dumps({**message, **changes})


UNREADABLE = (
    "a message without properties",
    "an envelope that is not JSON",
    "an envelope that is a number",
    "an envelope that is not UTF-8",
)
RAW: dict[str, str | bytes] = {
    "a body that is not JSON": envelope("{not json"),
    "a body of another shape": envelope('"just a text"'),
    "a body without the protocol's three parts": envelope("[1]"),
    "kwargs that are a list": envelope("[[], [1, 2], {}]"),
    "pickle": envelope("x", **{"content-type": "application/x-python-serialize", "content-encoding": "binary"}),
    "an unknown content type": envelope("x", **{"content-type": "text/nonsense"}),
    "no headers": envelope("[[], {}, {}]", headers={}),
    "an unknown encoding": envelope("[[], {}, {}]", **{"content-encoding": "klingon"}),
    "a message without properties": json.dumps({"body": "", "headers": {}}),
    "an envelope that is not JSON": b"not even an envelope",
    "an envelope that is a number": b"42",
    "an envelope that is not UTF-8": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("wrong", RAW)
def test_a_message_that_is_no_message_stops_no_worker(stack, client, wrong):
    """What Celery cannot read is kept, if it came as a message at all; the worker lives and serves what comes next."""
    client.delete("push:strays")
    client.lpush(contract.QUEUE_PUSH, RAW[wrong])
    with contextlib.closing(Celery("somebody-else", broker=stack.redis_url, set_as_current=False)) as foreign:
        assert_still_serving(stack, foreign)
    assert client.xlen("push:strays") == (0 if wrong in UNREADABLE else 1)
    assert client.zcard("unacked_index") == 0


def assert_still_serving(stack: Stack, foreign: Celery) -> None:
    """A message that is sent now is stored and delivered, and the worker is the one that was started."""
    mark = uuid.uuid4().hex[:8]
    push = {"app": "shop", "registration_id": f"rid_{mark}", "notification": f"still there {mark}"}
    foreign.send_task(contract.TASK_SEND, kwargs=push, queue=contract.QUEUE_PUSH)
    until(
        lambda: stack.sandbox.deliveries("shop", target=f"rid_{mark}") or not stack.workers[0].is_running, what="a push"
    )
    assert stack.workers[0].is_running, stack.workers[0].last_words()
    stack.wait_drained()
    assert_balanced(stack)
