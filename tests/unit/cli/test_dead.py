"""`pushctl dead` shows letters without giving away what is in them, and acts on what it is told, no more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import typer

from producers import ids
from producers.cli import dead
from producers.cli.moments import read_moment
from producers.contract import Lane
from producers.dead_letters import DeadLetters
from producers.encoding import encode_content
from producers.letters import Filter
from producers.outcomes import State
from tests.lanes_fixture import batch_answer, fault
from worker.api import ErrorClass
from worker.lanes import Leave
from worker.planner import Lease

TARGET = "1a0018970a8b2c3d"
ALERT = "Your code is 123456"
IN_SHOP = ("--app", "shop")


def lose(bench, count=1, *, how=ErrorClass.UNSENT, code=27000, flags="", lane=Lane.TRANSACTIONAL):
    """Pushes that end as letters after their only attempt."""
    content = encode_content(notification=ALERT, platform="android")
    letters = [
        replace(letter, body=content.item(letter.target, letter.push_id), flags=flags)
        for letter in bench.letters([f"{TARGET}{index}" for index in range(count)])
    ]
    receipts = bench.write(letters, run=bench.run, lane=lane)
    bench.advance(1_000)
    while not isinstance(lease := bench.lease(), Leave):
        if isinstance(lease, Lease):
            assert bench.settle(lease, lambda _: batch_answer(whole=fault(how, code)))
        bench.advance(100)
    return receipts


def test_letters_are_listed_newest_first(pushctl, shop):
    first, second = lose(shop, 2)
    code, answer = pushctl.json("dead", "list", *IN_SHOP)
    assert code == 0
    assert [letter["push_id"] for letter in answer["letters"]] == [second.push_id, first.push_id]
    letter = answer["letters"][0]
    assert {name: letter[name] for name in ("reason", "code", "lane", "kind", "target", "attempts")} == {
        "reason": "exhausted",
        "code": 27000,
        "lane": "transactional",
        "kind": "regid",
        "target": "1a0018…",
        "attempts": 1,
    }
    assert len(pushctl.json("dead", "list", *IN_SHOP, "--limit", "1")[1]["letters"]) == 1


def test_people_see_a_table_without_empty_columns(pushctl, shop):
    (receipt,) = lose(shop)
    assert pushctl("dead", "list", *IN_SHOP) == 0
    names, row = pushctl.out.splitlines()
    assert names.split() == ["letter_id", "at", "push_id", "reason", "code", "lane", "kind", "target", "attempts"]
    assert receipt.push_id in row
    shop.client.delete(shop.key("dead"))
    assert pushctl("dead", "list", *IN_SHOP) == 0
    assert pushctl.out == ""


def test_filters_choose(pushctl, shop):
    lose(shop, code=27000)
    lose(shop, code=21030)
    for words, found in {
        ("--code", "27000"): [27000],
        ("--reason", "exhausted"): [21030, 27000],
        ("--reason", "poison"): [],
        ("--since", "1h"): [21030, 27000],
        ("--until", "1h"): [],
        ("--since", "2020-01-01", "--until", "2099-01-01T00:00:00+02:00"): [21030, 27000],
    }.items():
        code, answer = pushctl.json("dead", "list", *IN_SHOP, *words)
        assert (code, [letter["code"] for letter in answer["letters"]]) == (0, found)


@pytest.mark.parametrize("shape", [(), ("--json",)])
def test_target_and_body_are_shown_on_request_only(pushctl, shop, shape):
    (receipt,) = lose(shop)
    pushctl("dead", "show", receipt.push_id, *IN_SHOP, *shape)
    assert TARGET not in pushctl.out
    assert ALERT not in pushctl.out
    pushctl("dead", "show", receipt.push_id, *IN_SHOP, "--reveal", *shape)
    assert TARGET in pushctl.out
    assert ALERT in pushctl.out
    pushctl("dead", "list", *IN_SHOP, "--reveal", *shape)
    assert TARGET in pushctl.out
    assert ALERT not in pushctl.out


def test_a_sensitive_body_is_never_shown(pushctl, shop):
    (receipt,) = lose(shop, flags="s")
    code, answer = pushctl.json("dead", "show", receipt.push_id, *IN_SHOP, "--reveal")
    assert (code, answer["sensitive"], answer["body"]) == (0, True, None)
    assert answer["target"].startswith(TARGET)


def test_a_malformed_letter_is_shown_with_what_is_known_of_it(pushctl, shop):
    shop.client.xadd(shop.key("dead"), {"id": "", "h": "x", "b": "{}", "r": "", "reason": "malformed", "code": "0"})
    (letter,) = pushctl.json("dead", "list", *IN_SHOP)[1]["letters"]
    assert (letter["reason"], letter["push_id"], letter["target"], letter["lane"]) == ("malformed", None, None, None)
    assert pushctl("dead", "show", letter["letter_id"], *IN_SHOP, "--reveal") == 0
    code, answer = pushctl.json("dead", "replay", letter["letter_id"], *IN_SHOP)
    assert (code, answer["replayed"], answer["letters"][0]["result"]) == (1, 0, "malformed")


@pytest.mark.parametrize("words", [("show", "1-1"), ("replay", "0" * 24), ("purge", "1-1")])
def test_a_letter_that_does_not_exist_is_a_failure(pushctl, shop, words):
    code, answer = pushctl.json("dead", *words, *IN_SHOP)
    assert (code, answer["error"]) == (1, "NoSuchLetter")


def test_one_letter_is_replayed(pushctl, shop):
    (receipt,) = lose(shop)
    code, answer = pushctl.json("dead", "replay", receipt.push_id, *IN_SHOP)
    assert (code, answer) == (
        0,
        {"ok": True, "replayed": 1, "not_replayed": 0, "may_arrive_twice": 0, "risk": None, "letters": []},
    )
    assert shop.state(receipt) is State.PENDING
    assert pushctl.json("dead", "replay", receipt.push_id, *IN_SHOP)[1]["error"] == "NoSuchLetter"


@pytest.mark.parametrize("verb", ["replay", "purge"])
@pytest.mark.parametrize("named", [True, False])
def test_more_than_one_letter_needs_a_yes(pushctl, shop, verb, named):
    receipts = lose(shop, 3)
    words = [receipt.push_id for receipt in receipts] if named else []
    code, answer = pushctl.json("dead", verb, *words, *IN_SHOP)
    assert (code, answer["error"]) == (2, "Usage")
    assert "this takes 3 letters: repeat it with --yes" in answer["message"]
    assert shop.client.xlen(shop.key("dead")) == 3
    code, answer = pushctl.json("dead", verb, *words, *IN_SHOP, "--yes")
    assert (code, answer["replayed" if verb == "replay" else "purged"]) == (0, 3)
    assert shop.client.xlen(shop.key("dead")) == 0
    shop.books()


def test_without_a_yes_a_letter_that_comes_meanwhile_is_left_alone(shop):
    letters = DeadLetters(shop.redis, "shop")
    (old,) = lose(shop)
    chosen = dead.Chosen(letters, None, Filter(), None)
    chosen.check(is_agreed=False)
    lose(shop)
    assert [letter.push_id for letter in chosen.letters()] == [old.push_id]


def test_the_filters_choose_what_is_replayed_and_purged(pushctl, shop):
    lose(shop, 2, code=27000)
    lose(shop, 2, code=21030)
    assert pushctl.json("dead", "purge", *IN_SHOP, "--code", "21030", "--limit", "1")[1]["purged"] == 1
    assert pushctl.json("dead", "purge", *IN_SHOP, "--code", "21030")[1]["purged"] == 1
    assert pushctl.json("dead", "replay", *IN_SHOP, "--since", "1h", "--yes")[1]["replayed"] == 2
    books = shop.books()
    assert (books.purged, books.delayed, books.dead) == (2, 2, 0)


def test_an_unknown_push_is_replayed_with_its_risk_told(pushctl, shop):
    (receipt,) = lose(shop, how=ErrorClass.AMBIGUOUS)
    assert pushctl.json("dead", "list", *IN_SHOP)[1]["letters"] == []
    (letter,) = pushctl.json("dead", "list", *IN_SHOP, "--asked")[1]["letters"]
    assert (letter["push_id"], letter["reason"]) == (receipt.push_id, "unknown")
    assert pushctl("dead", "replay", receipt.push_id, *IN_SHOP, "--asked") == 0
    twice, risk = pushctl.out.splitlines()[1:]
    assert twice == "may_arrive_twice  1"
    assert "it may have reached its device already; under a new cid the vendor cannot tell" in risk


def test_an_old_poison_letter_asks_for_a_new_cid(pushctl, shop):
    (receipt,) = lose(shop)
    ((_, fields),) = shop.client.xrange(shop.key("dead"))
    shop.client.delete(shop.key("dead"))
    trail = fields[b"r"][:19] + b"1" + b"%011x" % int(shop.now - 3_000_000) + b"0" * 11
    shop.client.xadd(shop.key("dead"), {**fields, b"r": trail, b"reason": b"poison"})
    code, answer = pushctl.json("dead", "replay", receipt.push_id, *IN_SHOP)
    (refused,) = answer["letters"]
    assert (code, answer["not_replayed"], refused["result"]) == (1, 1, "late")
    assert "a new one must be asked for: it may have reached its device already" in refused["means"]
    code, answer = pushctl.json("dead", "replay", receipt.push_id, *IN_SHOP, "--new-cid")
    assert (code, answer["replayed"], answer["may_arrive_twice"]) == (0, 1, 1)
    assert answer["risk"]


def test_the_fresh_life_can_be_chosen(pushctl, shop):
    (receipt,) = lose(shop)
    code, answer = pushctl.json("dead", "replay", receipt.push_id, *IN_SHOP, "--expires-in", "-1")
    assert (code, answer["error"], answer["field"]) == (1, "InvalidPush", "expires_in")
    assert pushctl("dead", "replay", receipt.push_id, *IN_SHOP, "--expires-in", "60") == 0
    (raw,) = shop.leased().entries
    assert int(raw.header[1:12], 16) == shop.now + 60_000


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("show", *IN_SHOP),
        ("list", *IN_SHOP, "--since", "yesterday"),
        ("list", *IN_SHOP, "--since", "999999d"),
        ("list", *IN_SHOP, "--limit", "0"),
        ("purge", "1-1", *IN_SHOP, "--code", "1"),
        ("replay", "1-1", *IN_SHOP, "--limit", "1"),
    ],
)
def test_wrong_usage(pushctl, shop, words):
    code, answer = pushctl.json("dead", *words)
    assert (code, answer["error"]) == (2, "Usage")


def test_an_app_that_nobody_knows(pushctl, shop):
    for verb in (("list",), ("purge", "--yes"), ("replay", ids.derive_push_id("shop", "k"))):
        code, answer = pushctl.json("dead", *verb, "--app", "shpo")
        assert (code, answer["error"]) == (1, "UnknownApp")


@pytest.mark.parametrize(("text", "ago"), [("30s", 30), ("5m", 300), ("2h", 7_200), ("3d", 259_200)])
def test_a_moment_can_be_so_long_ago(text, ago):
    assert abs(datetime.now(UTC) - timedelta(seconds=ago) - read_moment(text)) < timedelta(seconds=5)


def test_a_moment_can_be_an_instant():
    assert read_moment("2026-01-31T12:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert read_moment("2026-01-31T12:00+02:00") == datetime(2026, 1, 31, 10, tzinfo=UTC)
    with pytest.raises(typer.BadParameter, match="must be such as 2h"):
        read_moment("2h30")
