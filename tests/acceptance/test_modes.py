"""Live, validate and off, the allow-list, and what needs permission: an app for each, in one running system.

And the ways to the API that are not `Producer`: the commands, and the direct client of the README.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from producers import InvalidPush, State, UnknownApp, WaitTimeout
from sandbox.stack import ROOT, Stack
from tests.acceptance.pushes import until

SETTINGS = {
    "shop": {"ALLOW_BROADCAST": "true"},
    "rehearsal": {"MODE": "validate"},
    "parked": {"MODE": "off"},
    "staging": {"ALLOWED_TARGETS": "rid_tester, user_tester"},
}
HELLO: dict[str, Any] = {"notification": "Hello", "platform": "android"}
DEVICE: dict[str, Any] = {"to": {"registration_id": ["rid_1"]}}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {
        f"PUSH_APPS__{app}__{name}": value for app, fields in SETTINGS.items() for name, value in fields.items()
    }
    with Stack(tmp_path_factory.mktemp("modes"), apps=tuple(SETTINGS), environment=environment) as stack:
        yield stack


@pytest.fixture
def stack(shared: Stack) -> Stack:
    """A system with one app per mode; its sandbox has seen nothing yet."""
    for app in SETTINGS.keys() - {"parked"}:
        shared.wait_drained(app)
    shared.sandbox.reset()
    return shared


def test_validate_mode_checks_every_send_and_delivers_none(stack: Stack) -> None:
    """Sends by id and alias and pushes to audiences are judged one by one by the validate endpoint."""
    producer = stack.producer()
    good = [producer.send(app="rehearsal", registration_id=f"rid_{i}", **HELLO) for i in range(5)]
    good.append(producer.send(app="rehearsal", alias="user_1", custom_args="kept", **HELLO))
    good.append(producer.push(app="rehearsal", to={"tag": ["news"]}, **HELLO))
    bad_id = producer.send(app="rehearsal", registration_id="nobody_1", **HELLO)
    bad_tag = producer.push(app="rehearsal", to={"tag": ["unknown_tag"]}, **HELLO)

    assert {receipt.wait(20).state for receipt in good} == {State.ACCEPTED}
    refusals = [(each.wait(20).state, each.status().code) for each in (bad_id, bad_tag)]
    assert refusals == [(State.REJECTED, 20101), (State.REJECTED, 21011)]
    counts = stack.sandbox.counts("rehearsal")
    assert (counts["requests"], counts["deliveries"]) == ({"validate": 9}, 0)


def test_off_mode_keeps_everything_queued(stack: Stack) -> None:
    """Pushes are stored and wait; no call is made."""
    receipt = stack.producer().send(app="parked", registration_id="rid_1", **HELLO)
    with pytest.raises(WaitTimeout):
        receipt.wait(2.5)

    books = stack.books("parked")
    assert (books.queued, books.pending - books.queued, books.drift) == (books.enqueued, 0, 0)
    assert stack.sandbox.counts("parked")["calls"] == 0


def test_the_allow_list_lets_only_testers_be_reached(stack: Stack) -> None:
    """Other ids, aliases and all audiences end as rejected with our code 1, and cost no call."""
    producer = stack.producer()
    allowed = [
        producer.send(app="staging", registration_id="rid_tester", **HELLO),
        producer.send(app="staging", alias="user_tester", **HELLO),
    ]
    barred = [
        producer.send(app="staging", registration_id="rid_customer", **HELLO),
        producer.send(app="staging", alias="user_customer", **HELLO),
        producer.push(app="staging", to={"tag": ["news"]}, **HELLO),
        producer.push(app="staging", to={"registration_id": ["rid_customer"]}, **HELLO),
    ]

    assert {receipt.wait(20).state for receipt in allowed} == {State.ACCEPTED}
    outcomes = {(each.wait(20).state, each.status().code, each.status().message) for each in barred}
    assert outcomes == {(State.REJECTED, 1, "the target is not in the allow-list of this app")}
    targets = sorted(row["target"] for row in stack.sandbox.deliveries("staging"))
    assert (targets, stack.sandbox.counts("staging")["units_asked"]) == (["rid_tester", "user_tester"], 2)


def test_a_validation_reaches_nobody_and_needs_no_place_on_the_allow_list(stack: Stack) -> None:
    """Asking the API about a push to anyone is possible on staging too."""
    assert stack.producer().validate(app="staging", timeout=20, **DEVICE, **HELLO).state is State.ACCEPTED
    assert stack.sandbox.deliveries("staging") == []


def test_a_broadcast_needs_the_word_of_the_caller_and_of_the_app(stack: Stack) -> None:
    """`broadcast=True` and ALLOW_BROADCAST: with one of them missing nothing is stored."""
    producer = stack.producer()
    with pytest.raises(InvalidPush, match="broadcast"):
        producer.push(app="shop", to="all", **HELLO)
    with pytest.raises(InvalidPush, match="ALLOW_BROADCAST=true"):
        producer.push(app="staging", to="all", broadcast=True, **HELLO)
    assert stack.books("staging").enqueued == stack.wait_drained("staging").enqueued

    assert producer.push(app="shop", to="all", broadcast=True, **HELLO).wait(20).state is State.ACCEPTED
    assert [row["device"] for row in stack.sandbox.deliveries()] == ["all"]


def test_a_group_push_needs_group_credentials(stack: Stack) -> None:
    """An app whose workers have none refuses it at once, and names the settings."""
    with pytest.raises(InvalidPush, match="PUSH_APPS__shop__GROUP_KEY"):
        stack.producer().group_push(app="shop", **DEVICE, **HELLO)


def test_an_override_replaces_one_push_and_does_not_exist_for_groups(tmp_path: Path) -> None:
    """`override_msg_id` travels with a single push and is refused for a group before anything is stored."""
    group = {"GROUP_KEY": "96009a4db0a990000000c0de", "GROUP_SECRET": "5ec4e796009a4db0a990c0de"}
    with Stack(tmp_path, environment={f"PUSH_APPS__shop__{name}": value for name, value in group.items()}) as stack:
        producer = stack.producer()
        first = producer.push(app="shop", **DEVICE, **HELLO).wait(20)
        override: dict[str, Any] = {"options": {"override_msg_id": int(first.msg_id)}, **DEVICE, **HELLO}
        with pytest.raises(InvalidPush, match="override_msg_id"):
            producer.group_push(app="shop", **override)

        assert producer.push(app="shop", **override).wait(20).state is State.ACCEPTED
        assert stack.books().enqueued == 2


def test_a_sensitive_body_is_in_no_log_and_no_status(stack: Stack) -> None:
    """A push that the API refuses: neither the log nor what its status says repeats its words."""
    stack.sandbox.faults([{"kind": "code", "code": 21003, "count": 1}])
    words: dict[str, Any] = {"notification": "code-991177", "platform": "android"}
    refused = stack.producer().push(app="shop", sensitive=True, **DEVICE, **words)

    assert refused.wait(20).code == 21003
    assert "991177" not in "".join(worker.log() for worker in stack.workers)
    assert "991177" not in repr(refused.status())


def test_an_app_that_no_worker_serves_is_named(stack: Stack) -> None:
    """The error lists the apps there are, those that are off included."""
    with pytest.raises(UnknownApp, match="parked"):
        stack.producer().push(app="shpo", **DEVICE, **HELLO)


def test_pushctl_pushes_to_an_audience_and_shows_what_became_of_it(stack: Stack) -> None:
    """The installed commands against the running system: push, validate and batch."""

    def pushctl(*words: str, given: str = "") -> tuple[int, dict[str, Any]]:
        command = [sys.executable, "-m", "producers.cli", *words, "--json", "--redis-url", stack.redis_url]
        environment = {**os.environ, **stack.environment}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    hello = ("--app", "shop", "--alert", "Hello", "--platform", "android")
    code, pushed = pushctl("push", *hello, "--to", '{"tag": ["news"]}', "--wait", "20")
    assert (code, pushed["state"]) == (0, "accepted")
    code, judged = pushctl("validate", *hello, "--to", '{"tag": ["unknown_tag"]}', "--timeout", "20")
    assert (code, judged["state"], judged["code"]) == (1, "rejected", 21011)
    items = [{"target": f"rid_{i}", "platform": "android", "notification": {"alert": "Hello"}} for i in range(3)]
    code, batch = pushctl("batch", "--app", "shop", "--items", "-", given="\n".join(map(json.dumps, items)))
    assert (code, batch["stored"]) == (0, 3)
    until(lambda: stack.sandbox.counts("shop")["deliveries"] == 4, what="the four deliveries")


def test_the_direct_client_of_the_readme_works_without_queue_and_redis(stack: Stack) -> None:
    """Its example runs as it is printed, with the sandbox in the place of the region; a repeat meets the same cid."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Direct client")[1].split("\n## ")[0]
    example = section.split("```python\n")[1].split("```")[0]
    assert 'region="sgp"' in example
    key, secret = stack.apps["shop"]
    names: dict[str, Any] = {"app_key": key, "master_secret": secret}
    for _ in range(2):
        exec(example.replace('region="sgp"', f'base_url="{stack.sandbox_url}"'), names)  # noqa: S102 - our own README

    (delivery,) = stack.sandbox.deliveries("shop")
    assert (delivery["cid"], delivery["msg_id"]) == ("order-4711", names["accepted"].msg_id)
