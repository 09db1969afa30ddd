"""`pushctl apps` shows what holds apps back, and holds or releases them."""

import json

import pytest

from producers import keys
from producers.connection import Unanswered

REFUSED = "1800000060000|0123456789ab|60000"


def test_an_open_app_and_its_sums(pushctl, shop):
    shop.send(3)
    assert shop.settle(shop.leased())
    shop.send(2)
    code, answer = pushctl.json("apps", "list")
    assert code == 0
    (app,) = answer["apps"]
    assert app["app"] == "shop"
    assert app["gate"] == {
        "is_open": True,
        "paused_by": None,
        "paused_since": None,
        "throttled_until": None,
        "credentials_refused": False,
        "next_probe_at": None,
    }
    assert (app["pending_at_most"], app["dead"], app["asked"], app["cancelling"]) == (2, 0, 0, 0)
    assert (app["sums"]["enqueued"], app["sums"]["accepted"]) == (5, 3)


def test_people_see_a_line_per_app(pushctl, shop):
    shop.client.sadd(keys.APPS, "another")
    shop.client.hset("push:{another}:gate", mapping={"paused": "by hand", "throttled": "1800000000500"})
    assert pushctl("apps", "list") == 0
    names, another, mine = pushctl.out.splitlines()
    assert names.split() == [
        *("app", "gate", "pending_at_most", "dead", "asked", "cancelling", "enqueued"),
        *("accepted", "rejected", "expired", "cancelled", "unknown", "purged"),
    ]
    assert another.startswith("another  paused by by hand; throttled until 2027-01-15T08:00:00+00:00")
    assert mine.startswith("shop     open ")


def test_pause_says_by_whom_and_since_when_and_resume_ends_it(pushctl, shop):
    code, answer = pushctl.json("apps", "pause", "shop", "--by", "night-shift")
    assert (code, answer["apps"][0]["changed"]) == (0, True)
    assert answer["apps"][0]["gate"] == "paused by night-shift since 2027-01-15T08:00:00+00:00"
    code, answer = pushctl.json("apps", "pause", "shop", "--by", "somebody-else")
    assert (code, answer["apps"][0]["changed"]) == (0, False)
    assert "night-shift" in answer["apps"][0]["gate"]
    code, answer = pushctl.json("apps", "resume", "shop")
    assert (code, answer["apps"]) == (0, [{"app": "shop", "changed": True, "gate": "open"}])
    code, answer = pushctl.json("apps", "resume", "shop")
    assert (code, answer["apps"][0]["changed"]) == (0, False)


def test_resume_has_refused_credentials_probed_now(pushctl, shop):
    shop.client.hset(shop.key("gate"), "credentials", REFUSED)
    (app,) = pushctl.json("apps", "list")[1]["apps"]
    assert app["gate"]["credentials_refused"] is True
    assert app["gate"]["next_probe_at"] == "2027-01-15T08:01:00+00:00"
    assert pushctl("apps", "resume", "shop") == 0
    assert "credentials refused, next probe 2027-01-15T08:00:00+00:00" in pushctl.out
    assert shop.client.hget(shop.key("gate"), "credentials") == b"1800000000000|0123456789ab|60000"


def test_all_apps_at_once(pushctl, shop):
    shop.client.sadd(keys.APPS, "another")
    shop.client.hset(keys.profile("another"), "outcome_seconds", 90_000)
    assert pushctl("apps", "pause", "--all", "--by", "me") == 0
    assert [bool(shop.client.hget(keys.gate(app), "paused")) for app in ("shop", "another")] == [True, True]
    assert pushctl("apps", "resume", "--all", "--json") == 0
    assert [app["gate"] for app in json.loads(pushctl.out)["apps"]] == ["open", "open"]


def test_an_unknown_name_stops_the_command_before_it_does_anything(pushctl, shop):
    code, answer = pushctl.json("apps", "pause", "shop", "shpo", "--by", "me")
    assert (code, answer["error"]) == (1, "UnknownApp")
    assert not shop.client.exists(keys.gate("shop"))


@pytest.mark.parametrize("words", [("pause",), ("pause", "shop", "--all"), ("resume",)])
def test_either_names_or_all(pushctl, shop, words):
    code, answer = pushctl.json("apps", *words)
    assert (code, answer["error"]) == (2, "Usage")


@pytest.mark.parametrize("who", ["", "x" * 65, "two\nlines"])
def test_who_must_be_a_name(pushctl, shop, who):
    code, answer = pushctl.json("apps", "pause", "shop", "--by", who)
    assert (code, answer["error"], answer["field"]) == (1, "InvalidPush", "by")


def test_without_redis_nothing_was_changed(pushctl, shop, monkeypatch):
    def silent(*_):
        raise Unanswered("cannot connect to Redis", maybe_done=False)

    monkeypatch.setattr(shop.redis, "call", silent)
    assert pushctl("apps", "list") == 1
    assert pushctl.err == (
        "pushctl: Redis did not answer; nothing was changed: repeat the command (cannot connect to Redis)\n"
    )
