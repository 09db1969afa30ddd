"""`pushctl send` stores what its options say and tells what a script and a person need."""

import io
import json

import pytest

from producers import BrokerUnavailable, QueueFull, State
from producers.ids import derive_push_id, is_push_id

DEVICE = "1a0018970a8b2c3d"
TO_DEVICE = ("send", "--app", "shop", "--registration-id", DEVICE)
TO_ALIAS = ("send", "--app", "shop", "--alias", "user_42_and_more")
HI = ("--alert", "hi")


def test_a_send_answers_with_its_receipt(pushctl):
    code, answer = pushctl.json(*TO_DEVICE, *HI)
    (push,) = pushctl.producer.sent
    assert code == 0
    assert answer == {
        "ok": True,
        "push_id": push.push_id,
        "app": "shop",
        "lane": "transactional",
        "target": "1a0018…",
        "duplicate": False,
    }


def test_people_get_short_aligned_lines(pushctl):
    assert pushctl(*TO_DEVICE, *HI) == 0
    push_id = pushctl.producer.sent[0].push_id
    assert pushctl.out.splitlines() == [
        f"push_id  {push_id}",
        "app      shop",
        "lane     transactional",
        "target   1a0018…",
    ]


@pytest.mark.parametrize("to", [TO_DEVICE, TO_ALIAS])
@pytest.mark.parametrize("shape", [(), ("--json",)])
def test_a_whole_target_is_shown_on_request_only(pushctl, to, shape):
    target = to[-1]
    pushctl(*to, *HI, *shape)
    assert target not in pushctl.out
    pushctl(*to, *HI, *shape, "--reveal")
    assert target in pushctl.out


@pytest.mark.parametrize(
    ("options", "content"),
    [
        (HI, {"platform": "all", "notification": {"alert": "hi"}, "options": {"apns_production": True}}),
        (
            (*HI, "--title", "T", "--platform", "android"),
            {"platform": "android", "notification": {"alert": "hi", "android": {"alert": "hi", "title": "T"}}},
        ),
        (
            (*HI, "--extras", '{"a": 1}', "--platform", "android,hmos"),
            {
                "platform": ["android", "hmos"],
                "notification": {
                    "alert": "hi",
                    "android": {"alert": "hi", "extras": {"a": 1}},
                    "hmos": {"alert": "hi", "extras": {"a": 1}},
                },
            },
        ),
        (
            (*HI, "--title", "T", "--platform", "ios", "--options", '{"apns_production": false}'),
            {
                "platform": "ios",
                "notification": {"alert": "hi", "ios": {"alert": {"title": "T", "body": "hi"}}},
                "options": {"apns_production": False},
            },
        ),
        (
            ("--notification", '{"android": {"alert": "x"}}', "--platform", "android"),
            {"platform": "android", "notification": {"android": {"alert": "x"}}},
        ),
        (
            ("--message", '{"msg_content": "m"}', "--platform", "android"),
            {"platform": "android", "message": {"msg_content": "m"}},
        ),
    ],
)
def test_options_become_content(pushctl, options, content):
    assert pushctl(*TO_ALIAS, *options) == 0
    assert pushctl.producer.sent[0].content == content


def test_title_and_extras_reach_every_platform(pushctl):
    pushctl(*TO_ALIAS, *HI, "--title", "T", "--extras", "{}")
    assert pushctl.producer.sent[0].content["notification"].keys() == {"alert", "android", "ios", "hmos"}


def test_lane_life_and_key_are_passed_on(pushctl):
    assert pushctl(*TO_ALIAS, *HI, "--lane", "urgent", "--expires-in", "1.5", "--idempotency-key", "k") == 0
    (push,) = pushctl.producer.sent
    assert (push.lane, push.life_ms, push.idempotency_key) == ("urgent", 1500, "k")
    code, answer = pushctl.json(*TO_ALIAS, *HI, "--idempotency-key", "k")
    assert (code, answer["duplicate"], answer["push_id"]) == (0, True, push.push_id)
    code, answer = pushctl.json(*TO_ALIAS, "--alert", "other", "--idempotency-key", "k")
    assert (code, answer["error"]) == (1, "IdempotencyConflict")


def test_json_comes_from_a_file_or_from_stdin(pushctl, tmp_path, monkeypatch):
    path = tmp_path / "message.json"
    path.write_text('{"msg_content": "from the file"}')
    assert pushctl(*TO_ALIAS, "--message", f"@{path}") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO('{"msg_content": "from stdin"}'))
    assert pushctl(*TO_ALIAS, "--message", "-") == 0
    contents = [push.content["message"]["msg_content"] for push in pushctl.producer.sent]
    assert contents == ["from the file", "from stdin"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--extras", "{'secret': 1}", *HI), "--extras"),
        (("--message", '["secret"]'), "--message"),
        (("--message", '{"secret": ' + '"x'), "--message"),
        (("--message", "@/no/such/file"), "/no/such/file"),
        (("--message", "[" * 100_000), "--message"),
        (("--title", "secret"), "--alert"),
        (("--notification", '{"alert": "secret"}', *HI), "--notification"),
        (("--push-id", "secret", *HI), "--push-id"),
        (("--push-id", "0" * 24, "--idempotency-key", "k", *HI), "--idempotency-key"),
        (("--expires-in", "soon", *HI), "--expires-in"),
        (("--wait", "-1", *HI), "--wait"),
        (("--colour", *HI), "--colour"),
    ],
)
def test_wrong_usage_names_the_option_and_not_the_value(pushctl, options, named):
    code, answer = pushctl.json(*TO_ALIAS, *options)
    assert (code, answer["ok"], answer["error"]) == (2, False, "Usage")
    assert named in answer["message"]
    assert "secret" not in answer["message"].replace("'--push-id'", "")
    assert pushctl.producer.sent == []


def test_a_file_that_is_no_text_is_wrong_usage(pushctl, tmp_path):
    path = tmp_path / "message.json"
    path.write_bytes(b'{"msg_content": "\xff"}')
    assert pushctl(*TO_ALIAS, "--message", f"@{path}") == 2
    assert "UTF-8" in pushctl.err


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ((*TO_ALIAS, "--registration-id", "x", *HI), "registration_id"),
        (("send", "--app", "shop", "--alias", "x" * 41, *HI), "alias"),
        ((*TO_ALIAS, *HI, "--message", '{"msg_content": "m"}'), "message"),
        ((*TO_ALIAS,), "notification"),
        ((*TO_ALIAS, *HI, "--platform", "windows"), "platform"),
        ((*TO_ALIAS, *HI, "--options", '{"cid": "mine"}'), "options.cid"),
        ((*TO_ALIAS, *HI, "--lane", "slow"), "lane"),
        ((*TO_ALIAS, *HI, "--expires-in", "-5"), "expires_in"),
        ((*TO_ALIAS, *HI, "--idempotency-key", ""), "idempotency_key"),
        ((*TO_ALIAS, *HI, "--idempotency-key", "\udcff"), "idempotency_key"),
    ],
)
def test_a_refused_push_names_its_field(pushctl, words, field):
    code, answer = pushctl.json(*words)
    assert (code, answer["error"], answer["field"]) == (1, "InvalidPush", field)
    assert pushctl.producer.sent == []


def test_an_unknown_app_names_the_known_ones(pushctl):
    assert pushctl("send", "--app", "shpo", "--alias", "a", *HI) == 1
    assert "known: shop" in pushctl.err
    assert pushctl.out == ""


def test_without_redis_the_answer_holds_the_id_to_repeat_with(pushctl):
    pushctl.producer.raise_next(BrokerUnavailable([], maybe_stored=True))
    code, answer = pushctl.json(*TO_ALIAS, *HI)
    assert (code, answer["error"], answer["maybe_stored"]) == (1, "BrokerUnavailable", True)
    assert is_push_id(answer["push_id"])
    code, repeated = pushctl.json(*TO_ALIAS, *HI, "--push-id", answer["push_id"])
    assert (code, repeated["push_id"]) == (0, answer["push_id"])


def test_with_a_key_the_id_is_the_one_of_the_key(pushctl):
    pushctl.producer.raise_next(BrokerUnavailable([], maybe_stored=False))
    _, answer = pushctl.json(*TO_ALIAS, *HI, "--idempotency-key", "k")
    assert answer["push_id"] == derive_push_id("shop", "k")


def test_a_full_queue_is_a_failure(pushctl):
    pushctl.producer.raise_next(QueueFull("shop", 5, 5))
    assert pushctl(*TO_ALIAS, *HI) == 1
    assert pushctl.err.startswith("pushctl: app 'shop' has 5 pending")


@pytest.mark.parametrize("state", [state for state in State if state.is_outcome])
def test_wait_ends_with_1_unless_accepted(pushctl, state):
    pushctl.producer.set_outcome(state, code=21003, message="why")
    code, answer = pushctl.json(*TO_DEVICE, *HI, "--wait", "5")
    assert (code, answer["ok"]) == ((0, True) if state is State.ACCEPTED else (1, False))
    assert (answer["state"], answer["code"], answer["reason"]) == (state.word, 21003, "why")


def test_a_wait_without_outcome_says_pending(pushctl):
    pushctl.producer.set_outcome(State.PENDING)
    code, answer = pushctl.json(*TO_DEVICE, *HI, "--wait", "0")
    assert (code, answer["state"], answer["push_id"]) == (1, "pending", pushctl.producer.sent[0].push_id)


def test_redis_gone_while_waiting_does_not_ask_for_a_repeat(pushctl):
    pushctl.producer.raise_next(BrokerUnavailable([], maybe_stored=True), on="status")
    code, answer = pushctl.json(*TO_DEVICE, *HI, "--wait", "1")
    assert (code, answer["error"]) == (1, "OutcomeUnreadable")
    assert answer["push_id"] == pushctl.producer.sent[0].push_id
    assert "sending again" not in answer["message"]


def test_ctrl_c_while_waiting_still_shows_the_receipt(pushctl, monkeypatch):
    monkeypatch.setattr("producers.receipts.Receipt.wait", _interrupt)
    code, answer = pushctl.json(*TO_DEVICE, *HI, "--wait", "5")
    assert (code, answer["state"], answer["push_id"]) == (1, "pending", pushctl.producer.sent[0].push_id)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_redis_address_comes_from_the_option_or_the_environment(pushctl, monkeypatch):
    monkeypatch.setenv("PUSH_REDIS_URL", "redis://of-the-environment/0")
    pushctl(*TO_ALIAS, *HI)
    pushctl(*TO_ALIAS, *HI, "--redis-url", "redis://of-the-option/0")
    assert pushctl.urls == ["redis://of-the-environment/0", "redis://of-the-option/0"]


def test_text_is_shown_as_it_is(pushctl):
    pushctl.producer.set_outcome(State.REJECTED, message="no [bold]such[/] täg")
    pushctl(*TO_DEVICE, *HI, "--wait", "1")
    assert "no [bold]such[/] täg" in pushctl.out
    pushctl(*TO_DEVICE, *HI, "--wait", "1", "--json")
    assert json.loads(pushctl.out)["reason"] == "no [bold]such[/] täg"
