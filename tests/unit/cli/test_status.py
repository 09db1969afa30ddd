"""`pushctl status` reports any state; only with --wait does it insist on *accepted*."""

import pytest

from producers import BrokerUnavailable, State

NOBODY = "0" * 24


def test_a_known_push_is_reported(pushctl):
    receipt = pushctl.producer.send(app="shop", alias="a", notification="hi")
    code, answer = pushctl.json("status", receipt.push_id, "--app", "shop")
    assert (code, answer["ok"], answer["push_id"], answer["state"]) == (0, True, receipt.push_id, "accepted")
    assert answer.keys() == {"ok", "push_id", "app", "state", "msg_id", "code", "reason", "attempts", "at"}


def test_people_see_what_applies(pushctl):
    receipt = pushctl.producer.send(app="shop", alias="a", notification="hi")
    assert pushctl("status", receipt.push_id, "--app", "shop") == 0
    assert pushctl.out.splitlines() == [
        f"push_id  {receipt.push_id}",
        "app      shop",
        "state    accepted",
        "msg_id   1",
    ]


@pytest.mark.parametrize(
    ("state", "plain", "waiting"),
    [(State.ACCEPTED, 0, 0), (State.REJECTED, 0, 1), (State.PENDING, 0, 1), (State.UNKNOWN, 0, 1), (State.DEAD, 0, 1)],
)
def test_exit_codes(pushctl, state, plain, waiting):
    receipt = pushctl.producer.send(app="shop", alias="a", notification="hi")
    pushctl.producer.set_outcome(state)
    assert pushctl("status", receipt.push_id, "--app", "shop") == plain
    assert pushctl("status", receipt.push_id, "--app", "shop", "--wait", "0") == waiting


@pytest.mark.parametrize("more", [(), ("--wait", "0")])
def test_a_push_that_nobody_knows_is_a_failure(pushctl, more):
    code, answer = pushctl.json("status", NOBODY, "--app", "shop", *more)
    assert (code, answer["state"]) == (1, "absent")


def test_without_redis_it_says_that_nothing_is_known(pushctl):
    pushctl.producer.raise_next(BrokerUnavailable([], maybe_stored=True), on="status")
    assert pushctl("status", NOBODY, "--app", "shop") == 1
    assert pushctl.err == (
        f"pushctl: Redis did not answer; what became of push {NOBODY} is not known: ask again with pushctl status\n"
    )


@pytest.mark.parametrize("words", [("status", "short", "--app", "shop"), ("status", NOBODY), ("status",)])
def test_wrong_usage(pushctl, words):
    code, answer = pushctl.json(*words)
    assert (code, answer["error"]) == (2, "Usage")
    assert answer["message"].endswith("try 'pushctl status --help'")
