"""Every audience and payload over real HTTP: what arrives equals a golden file, and what comes back ends in a status.

A relay in front of the sandbox keeps the requests as they arrive.
"""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from producers import Producer, Receipt, State
from producers.errors import shortened
from sandbox.stack import Stack
from tests.acceptance.pushes import until

GOLDEN = Path(__file__).parent / "golden"
GROUP = {"GROUP_KEY": "96009a4db0a990000000c0de", "GROUP_SECRET": "5ec4e796009a4db0a990c0de"}

Json = dict[str, Any]

HELLO: Json = {"notification": "Hello", "platform": "android"}
STATE = {"home": 2, "away": 1}
START = {"event": "start", "attributes-type": "Match", "attributes": {"cup": "A"}, "content-state": STATE}
UPDATE = {"event": "update", "content-state": STATE, "alert": {"title": "Goal", "body": "2:1"}, "relevance-score": 90}
ANDROID = {
    "alert": "Sale",
    "title": "Shop",
    "channel_id": "offers",
    "priority": -1,
    "style": 1,
    "big_text": "Everything must go",
    "badge_set_num": 0,
    "intent": {"url": "shop://offers/7"},
    "extras": {"id": 7, "tags": ["a", "b"]},
}
IOS = {
    "alert": {"title": "Sale", "body": "Today"},
    "badge": "+1",
    "sound": "ding",
    "content-available": True,
    "thread-id": "offers",
    "interruption-level": "time-sensitive",
}
HMOS = {"alert": "Sale", "category": "MARKETING", "intent": {"url": "action.system.home"}, "style": 0}
OPTIONS = {
    "time_to_live": 0,
    "apns_production": True,
    "apns_collapse_id": "offers",
    "classification": 1,
    "big_push_duration": 30,
    "multi_language": {"fr": {"title": "Soldes", "content": "Aujourd'hui"}, "zh-Hans": {"content": "特价"}},
    "third_party_channel": {
        "oppo": {"distribution": "secondary_push", "channel_id": "offers", "notify_level": 2},
        "fcm": {"distribution": "ospush"},
    },
    "of_tomorrow": {"passes": "through"},
}

FORMS: dict[str, Json] = {
    "to_all": {"to": "all", "broadcast": True, **HELLO},
    "to_tag": {"to": {"tag": ["news", "sport"]}, **HELLO},
    "to_tag_and": {"to": {"tag_and": ["news", "sport"]}, **HELLO},
    "to_tag_not": {"to": {"tag_not": ["quiet"]}, **HELLO},
    "to_tags_combined": {"to": {"tag": ["news"], "tag_and": ["paid"], "tag_not": ["quiet"]}, **HELLO},
    "to_alias": {"to": {"alias": ["user_1", "用户"]}, **HELLO},
    "to_registration_id": {"to": {"registration_id": ["rid_1", "rid_2"]}, **HELLO},
    "to_seg": {"to": {"seg": {"id": "loyal"}}, **HELLO},
    "to_live_activity_id": {
        "to": {"live_activity_id": "match-7"},
        "live_activity": {"ios": UPDATE},
        "platform": "ios",
    },
    "notification": {
        "to": {"tag": ["news"]},
        "notification": {"alert": "Sale", "android": ANDROID, "ios": IOS, "hmos": HMOS},
        "options": OPTIONS,
        "custom_args": {"campaign": "summer"},
        "from_": "push",
        "request_id": "request-4711",
    },
    "message": {
        "to": {"alias": ["user_1"]},
        "message": {"msg_content": {"do": "sync"}, "title": "Sync", "content_type": "json", "extras": {"n": 1}},
        "platform": ["android", "hmos"],
    },
    "live_activity": {
        "to": {"registration_id": ["ridios_1"]},
        "live_activity": {"ios": START},
        "platform": "ios",
    },
    "voip": {"to": {"registration_id": ["ridios_1"]}, "voip": {"caller": "Ann", "call": 7}, "platform": ["ios"]},
    "mixed": {"to": {"tag": ["news"]}, **HELLO, "message": {"msg_content": "both"}, "allow_mixed": True},
}


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    user: str
    body: Json


class Relay(ThreadingHTTPServer):
    """Passes requests on to the sandbox, and remembers them."""

    onward: httpx.Client

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[Received] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Relay

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        passed = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
        answer = self.server.onward.post(self.path, content=body, headers=passed)
        user = b64decode(passed["Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
        self.server.received.append(Received(self.path, user, json.loads(body)))
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@dataclass
class System:
    """A running stack with the relay in front of its sandbox."""

    stack: Stack
    relay: Relay
    producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        self.producer = self.stack.producer()

    def requests(self) -> list[Json]:
        """What has arrived so far: path and body, for the golden files."""
        return [{"path": request.path, "body": request.body} for request in self.relay.received]


@pytest.fixture(scope="module")
def relayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with Relay() as relay:
        variables = {"BASE_URL": relay.url, "ALLOW_BROADCAST": "true", **GROUP}
        environment = {f"PUSH_APPS__shop__{name}": value for name, value in variables.items()}
        directory = tmp_path_factory.mktemp("forms")
        with (
            Stack(directory, apps=("shop", "club"), environment=environment) as stack,
            httpx.Client(base_url=stack.sandbox_url, timeout=30, trust_env=False) as relay.onward,
        ):
            thread = threading.Thread(target=relay.serve_forever, args=(0.01,))
            thread.start()
            yield System(stack, relay)
            relay.shutdown()
            thread.join()


@pytest.fixture
def system(relayed: System) -> System:
    relayed.stack.sandbox.reset()
    relayed.stack.sandbox.settings(mixed_payload="allow")
    relayed.relay.received.clear()
    return relayed


def golden(name: str, receipt: Receipt) -> Json:
    """A golden file with the push id of this run."""
    text = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    return dict(json.loads(text.replace("<push_id>", receipt.push_id)))


@pytest.mark.parametrize("form", FORMS)
def test_a_push_arrives_as_its_golden_file_says(form: str, system: System) -> None:
    """Audience, payload, options, sender, arguments and request id arrive unchanged, in one call to POST /v4/push."""
    receipt = system.producer.push(app="shop", **FORMS[form])

    outcome = receipt.wait(20)

    assert (outcome.state, outcome.message) == (State.ACCEPTED, "")
    assert system.requests() == [golden(form, receipt)]
    assert {row["cid"] for row in system.stack.sandbox.deliveries("shop")} == {receipt.push_id}


@pytest.mark.parametrize(
    ("form", "target"),
    [("send_registration_id", {"registration_id": "rid_1"}), ("send_alias", {"alias": "user_1"})],
)
def test_a_send_arrives_as_its_golden_file_says(form: str, target: Json, system: System) -> None:
    """A single target travels as a batch item, with the whole notification and its options."""
    notification = {"alert": "Sale", "android": ANDROID}
    receipt = system.producer.send(
        app="shop", **target, notification=notification, platform="android", options=OPTIONS, custom_args="summer"
    )

    assert receipt.wait(20).state is State.ACCEPTED
    assert system.requests() == [golden(form, receipt)]


def test_both_payloads_are_refused_here_unless_the_api_shall_decide(system: System) -> None:
    """With `allow_mixed` the API decides: its refusal on 401 rejects this push, and the app goes on."""
    system.stack.sandbox.settings(mixed_payload="21306")
    mixed = system.producer.push(app="shop", **FORMS["mixed"]).wait(20)
    next_one = system.producer.push(app="shop", **FORMS["to_tag"]).wait(20)

    assert (mixed.state, mixed.code, next_one.state) == (State.REJECTED, 21306, State.ACCEPTED)


@pytest.mark.parametrize("by", ["registration_id", "alias"])
def test_a_batch_reaches_each_target_with_its_own_content(by: Any, system: System) -> None:
    """The items of a batch go out as they were given, and each gets a receipt and an outcome of its own."""
    known, unknown = ("rid_{}", "nobody_1") if by == "registration_id" else ("user_{}", "nobody_1")
    items: list[Json] = [
        {"target": known.format(i), "platform": "android", "notification": {"alert": f"for {i}"}, "custom_args": f"{i}"}
        for i in range(3)
    ]
    items.append({**items[0], "target": unknown})
    receipts = system.producer.batch(items, app="shop", by=by).receipts

    *accepted, refused = [receipt.wait(20) for receipt in receipts]

    assert {outcome.state for outcome in accepted} == {State.ACCEPTED}
    assert (refused.state, refused.code) == (State.REJECTED, 20101 if by == "registration_id" else 21011)
    arrived = {item["target"]: item for request in system.relay.received for item in request.body["requests"]}
    cids = [{"options": {"cid": receipt.push_id}} for receipt in receipts]
    assert arrived == {item["target"]: item | cid for item, cid in zip(items, cids, strict=True)}


def test_a_group_push_says_what_each_app_did(system: System) -> None:
    """One app of the group refuses: the push is accepted, and the status tells msg_id and error app by app."""
    system.stack.sandbox.faults([{"kind": "code", "endpoint": "grouppush", "app": "club", "code": 21003}])
    receipt = system.producer.group_push(app="shop", **FORMS["to_tag"])

    outcome = receipt.wait(20)

    assert (outcome.state, outcome.attempts) == (State.ACCEPTED, 1)
    assert system.requests() == [{**golden("to_tag", receipt), "path": "/v4/grouppush"}]
    assert system.relay.received[0].user == f"group-{GROUP['GROUP_KEY']}"
    apps = {name: outcome.detail["apps"][shortened(key)] for name, (key, _) in system.stack.apps.items()}
    (delivery,) = system.stack.sandbox.deliveries("shop")
    assert apps["shop"] == {"msg_id": delivery["msg_id"]}
    assert apps["club"]["error"]["code"] == 21003
    assert outcome.msg_id
    assert system.stack.sandbox.deliveries("club") == []


def test_a_group_push_that_may_have_been_sent_is_never_repeated(system: System) -> None:
    """It has no proven cid: an answer that says nothing makes it unknown after one call."""
    system.stack.sandbox.faults([{"kind": "empty", "endpoint": "grouppush", "count": 1}])

    outcome = system.producer.group_push(app="shop", **FORMS["to_tag"]).wait(20)

    assert outcome.state is State.UNKNOWN
    assert [request["path"] for request in system.requests()] == ["/v4/grouppush"]


def test_a_group_push_with_refused_credentials_does_not_hold_up_the_app(system: System) -> None:
    """The credentials of a group are others than the app's: its gate stays open, and the group push waits."""
    system.stack.sandbox.faults([{"kind": "code", "endpoint": "grouppush", "code": 21004, "count": 1}])
    waiting = system.producer.group_push(app="shop", expires_in=3, **FORMS["to_tag"])
    until(system.requests, what="the call for the group")
    other = system.producer.push(app="shop", **FORMS["to_tag"]).wait(20)

    assert other.state is State.ACCEPTED
    assert (waiting.status().state, waiting.status().attempts) == (State.PENDING, 0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"to": "all", **HELLO}, (State.ACCEPTED, 0)),
        ({"to": {"tag": ["unknown_tag"]}, **HELLO}, (State.REJECTED, 21011)),
        ({"to": {"registration_id": ["nobody_1"]}, **HELLO}, (State.REJECTED, 20101)),
    ],
)
def test_validate_asks_the_api_and_sends_nothing(content: Json, expected: tuple[State, int], system: System) -> None:
    """The verdict of the API comes back with code and message; no device gets anything, not even of a broadcast."""
    verdict = system.producer.validate(app="shop", timeout=20, **content)

    assert (verdict.state, verdict.code) == expected
    assert bool(verdict.message) is (verdict.state is State.REJECTED)
    assert [request["path"] for request in system.requests()] == ["/v4/push/validate"]
    assert system.stack.sandbox.deliveries() == []
