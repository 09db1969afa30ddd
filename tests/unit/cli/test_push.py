"""`pushctl push`, `group-push` and `validate`: what they store, what they show, and how they end."""

import json

import pytest

from producers import BrokerUnavailable, State
from producers.cli import batch, push, validate
from producers.contract import Kind
from producers.ids import derive_push_id, is_push_id

NEWS = '{"tag": ["news"]}'
TO_NEWS = ("--app", "shop", "--to", NEWS, "--platform", "android")
HI = ("--alert", "hi")
STORING = {"push": Kind.SINGLE, "group-push": Kind.GROUP}
PATHS = {"push": "/v4/push", "group-push": "/v4/grouppush", "validate": "/v4/push/validate"}


@pytest.fixture
def pushctl(pushctl, monkeypatch):
    """The commands of this module record their pushes too."""
    for module in (push, batch, validate):
        monkeypatch.setattr(module, "open_producer", lambda _url: pushctl.producer)
    return pushctl


@pytest.mark.parametrize(("command", "kind"), STORING.items())
def test_a_push_answers_with_its_receipt(pushctl, command, kind):
    """It is stored as its kind, and the answer holds the id."""
    code, answer = pushctl.json(command, *TO_NEWS, *HI)
    (stored,) = pushctl.producer.sent
    assert (code, stored.kind) == (0, kind)
    assert answer == {
        "ok": True,
        "push_id": stored.push_id,
        "app": "shop",
        "lane": "transactional",
        "duplicate": False,
    }


@pytest.mark.parametrize(
    ("options", "whole", "body"),
    [
        (HI, {}, {"notification": {"alert": "hi"}}),
        (("--message", '{"msg_content": "m"}'), {}, {"message": {"msg_content": "m"}}),
        ((*HI, "--message", '{"msg_content": "m"}', "--allow-mixed"), {}, {"message": {"msg_content": "m"}}),
        ((*HI, "--custom-args", '{"a": 1}'), {"custom_args": {"a": 1}}, {}),
        ((*HI, "--custom-args", "words"), {"custom_args": "words"}, {}),
        ((*HI, "--from", "push", "--request-id", "r-1"), {"from": "push", "request_id": "r-1"}, {}),
        ((*HI, "--options", '{"big_push_duration": 5}'), {}, {"options": {"big_push_duration": 5}}),
    ],
)
def test_options_become_the_request(pushctl, options, whole, body):
    """Each option stands where the API expects it."""
    assert pushctl("push", *TO_NEWS, *options) == 0
    content = pushctl.producer.sent[0].content
    assert content | {"to": {"tag": ["news"]}} | whole == content
    assert content["body"] | {"platform": ["android"]} | body == content["body"]


@pytest.mark.parametrize(
    ("option", "payload", "to"),
    [
        ("--voip", {"caller": "Ann"}, {"registration_id": ["ridios_1"]}),
        ("--live-activity", {"ios": {"event": "end", "content-state": {"n": 1}}}, {"live_activity_id": "match-7"}),
    ],
)
def test_payloads_of_ios_come_as_json(pushctl, tmp_path, option, payload, to):
    """From a file, as any JSON."""
    path = tmp_path / "payload.json"
    path.write_text(json.dumps(payload))
    words = ("--app", "shop", "--to", json.dumps(to), "--platform", "ios", option, f"@{path}")
    assert pushctl("push", *words) == 0
    assert pushctl.producer.sent[0].content["body"][option.lstrip("-").replace("-", "_")] == payload


def test_all_devices_need_the_word_for_it(pushctl):
    """Without --broadcast nothing is stored."""
    words = ("push", "--app", "shop", "--to", "all", "--platform", "android", *HI)
    code, answer = pushctl.json(*words)
    assert (code, answer["error"], answer["field"]) == (1, "InvalidPush", "broadcast")
    assert pushctl.json(*words, "--broadcast")[0] == 0
    assert [stored.content["to"] for stored in pushctl.producer.sent] == ["all"]


@pytest.mark.parametrize("command", STORING)
def test_a_key_makes_a_repeat_the_same_push(pushctl, command):
    """The second answer says that it is a duplicate."""
    words = (command, *TO_NEWS, *HI, "--idempotency-key", "k", "--lane", "urgent", "--expires-in", "1.5")
    (_, first), (_, second) = pushctl.json(*words), pushctl.json(*words)
    assert first["push_id"] == second["push_id"] == derive_push_id("shop", "k")
    assert (first["duplicate"], second["duplicate"], second["lane"]) == (False, True, "urgent")
    assert pushctl.producer.sent[0].life_ms == 1500


def test_without_redis_the_answer_holds_the_id_to_repeat_with(pushctl):
    """Repeating with it stores the push under that id."""
    pushctl.producer.raise_next(BrokerUnavailable([], maybe_stored=True))
    code, answer = pushctl.json("push", *TO_NEWS, *HI)
    assert (code, answer["error"], is_push_id(answer["push_id"])) == (1, "BrokerUnavailable", True)
    code, repeated = pushctl.json("push", *TO_NEWS, *HI, "--push-id", answer["push_id"])
    assert (code, repeated["push_id"]) == (0, answer["push_id"])


@pytest.mark.parametrize("command", STORING)
@pytest.mark.parametrize("state", [State.ACCEPTED, State.REJECTED, State.UNKNOWN, State.PENDING])
def test_wait_ends_with_1_unless_accepted(pushctl, command, state):
    """The outcome is part of the answer."""
    pushctl.producer.set_outcome(state, code=21011, message="why")
    code, answer = pushctl.json(command, *TO_NEWS, *HI, "--wait", "0")
    assert (code, answer["state"]) == (0 if state is State.ACCEPTED else 1, state.word)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.REJECTED, State.PENDING])
def test_validate_ends_with_the_verdict_of_the_api(pushctl, state):
    """Exit 0 for accepted only; a verdict that does not come in time is none."""
    pushctl.producer.set_outcome(state, code=21011, message="nobody there")
    code, answer = pushctl.json("validate", *TO_NEWS, *HI, "--timeout", "0")
    assert (code, answer["state"]) == (0 if state is State.ACCEPTED else 1, state.word)
    assert (answer["reason"], pushctl.producer.sent[0].kind) == ("nobody there", Kind.VALIDATE)


@pytest.mark.parametrize(("command", "path"), PATHS.items())
def test_show_prints_the_request_and_stores_nothing(pushctl, command, path):
    """Placeholders stand for the credentials: those of the group for a group push."""
    code, answer = pushctl.json(command, *TO_NEWS, *HI, "--show")
    body = json.loads(answer["request"]["body"])
    assert (code, answer["request"]["url"]) == (0, f"https://pushapi-sgp.engagelab.com{path}")
    assert ("GROUP_KEY" in answer["code"]) is (command == "group-push")
    assert (body["to"], body["request_id"]) == ({"tag": ["news"]}, body["body"]["options"]["cid"])
    assert pushctl.producer.sent == []


def test_show_of_a_key_has_its_cid(pushctl):
    """And an own request id beside it."""
    _, answer = pushctl.json("push", *TO_NEWS, *HI, "--idempotency-key", "k", "--request-id", "mine", "--show", "node")
    body = json.loads(answer["request"]["body"])
    assert (body["request_id"], body["body"]["options"]["cid"]) == ("mine", derive_push_id("shop", "k"))


@pytest.mark.parametrize("command", PATHS)
@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        (("--alert", "s3cret", "--to", "everybody"), 2, "--to"),
        (("--alert", "s3cret", "--to", '{"s3cret": 1}'), 1, "to"),
        (("--alert", "s3cret", "--voip", "s3cret"), 2, "--voip"),
        (("--title", "s3cret"), 2, "--alert"),
        (("--alert", "s3cret", "--base-url", "http://s3cret"), 2, "--base-url"),
        (("--alert", "s3cret", "--message", '{"msg_content": "s3cret"}'), 1, "message"),
        (("--alert", "s3cret", "--options", '{"cid": "s3cret"}'), 1, "options.cid"),
        ((), 1, "notification"),
    ],
)
def test_what_is_wrong_is_named_and_never_repeated(pushctl, command, options, code, named):
    """2 for the command line, 1 for the push; nothing is stored."""
    ended, answer = pushctl.json(command, *TO_NEWS, *options)
    assert ended == code
    assert named in answer.get("field", answer["message"])
    assert "s3cret" not in answer["message"].replace("'s3cret'", "")
    assert pushctl.producer.sent == []


def test_a_group_push_knows_no_overrides(pushctl):
    """Neither stored nor shown."""
    override = (*TO_NEWS, *HI, "--options", '{"override_msg_id": 7}')
    for words in (override, (*override, "--show")):
        code, answer = pushctl.json("group-push", *words)
        assert (code, answer["field"]) == (1, "options.override_msg_id")
