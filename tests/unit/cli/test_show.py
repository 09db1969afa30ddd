"""`pushctl send --show` prints the request, stores nothing and asks nobody."""

import ast
import json
import shlex
import subprocess
import sys

import pytest

from producers.cli import main
from producers.cli.show import with_dialect
from producers.ids import derive_push_id, is_push_id
from producers.requests import Dialect

TO_ALIAS = ("send", "--app", "shop", "--alias", "user_42", "--alert", "hi")
ANDROID = (*TO_ALIAS, "--platform", "android")
NOWHERE = ("--redis-url", "redis://127.0.0.1:1/0")


def body_of(answer):
    return json.loads(answer["request"]["body"])


def test_without_a_dialect_it_is_curl(pushctl):
    assert pushctl(*ANDROID, "--show", "--idempotency-key", "k") == 0
    words = shlex.split(pushctl.out.replace("\\\n", ""))
    assert words[:4] == ["curl", "--request", "POST", "https://pushapi-sgp.engagelab.com/v4/batch/push/alias"]
    assert words[words.index("--user") + 1] == "$APP_KEY:$MASTER_SECRET"
    assert [words[i + 1] for i, word in enumerate(words) if word == "--header"] == [
        "Content-Type: application/json; charset=utf-8",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "User-Agent: engagelab-push-worker",
    ]
    cid = derive_push_id("shop", "k")
    assert words[-2:] == [
        "--data-raw",
        '{"requests":[{"target":"user_42","platform":"android","notification":{"alert":"hi"},'
        f'"options":{{"cid":"{cid}"}}}}]}}',
    ]


def test_nothing_is_stored_and_nobody_is_asked(pushctl, capsys):
    assert pushctl(*ANDROID, "--show") == 0
    assert (pushctl.producer.sent, pushctl.urls) == ([], [])
    assert main([*ANDROID, *NOWHERE, "--show"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("dialect", Dialect)
def test_every_dialect_is_named_with_or_without_an_equals_sign(pushctl, dialect):
    words = (*ANDROID, "--idempotency-key", "k")
    assert pushctl(*words, f"--show={dialect}") == 0
    printed = pushctl.out
    assert pushctl(*words, "--show", dialect) == 0
    assert pushctl.out == printed
    assert pushctl.json(*words, "--show", dialect)[1]["code"] == printed


def test_json_has_the_request_and_the_code(pushctl):
    code, answer = pushctl.json("send", "--show", *ANDROID[1:])
    assert (code, list(answer)) == (0, ["ok", "request", "code"])
    request = answer["request"]
    assert (request["method"], request["url"]) == ("POST", "https://pushapi-sgp.engagelab.com/v4/batch/push/alias")
    assert request["headers"]["Authorization"] == "Basic base64($APP_KEY:$MASTER_SECRET)"
    assert answer["code"].startswith("curl ")
    (item,) = body_of(answer)["requests"]
    assert is_push_id(item["options"]["cid"])


def test_the_python_program_holds_the_same_body(pushctl):
    _, answer = pushctl.json(*ANDROID, "--alert", "it's \\ \U0001f600", "--show", "python")
    constants = [node.value for node in ast.walk(ast.parse(answer["code"])) if isinstance(node, ast.Constant)]
    assert answer["request"]["body"] in constants


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (("--region", "defra"), "https://pushapi-defra.engagelab.com"),
        (("--base-url", "http://127.0.0.1:8900/"), "http://127.0.0.1:8900"),
        (("--base-url", "http://[::1]:8900"), "http://[::1]:8900"),
        (("--base-url", "https://push.example.com", "--region", "hk"), "https://push.example.com"),
    ],
)
def test_the_address_is_that_of_the_region_or_the_given_one(pushctl, options, url):
    words = ("send", "--app", "shop", "--registration-id", "1a0018970a8b2c3d", "--alert", "hi", "--platform", "android")
    _, answer = pushctl.json(*words, "--show", *options)
    assert answer["request"]["url"] == f"{url}/v4/batch/push/regid"


def test_a_repeat_keeps_its_cid(pushctl):
    _, first = pushctl.json(*ANDROID, "--show")
    cid = body_of(first)["requests"][0]["options"]["cid"]
    _, again = pushctl.json(*ANDROID, "--show", "--push-id", cid)
    assert again == first


def test_the_environment_of_ios_comes_from_either_place(pushctl):
    _, answer = pushctl.json(*TO_ALIAS, "--show", "--apns-production")
    assert body_of(answer)["requests"][0]["options"]["apns_production"] is True
    _, answer = pushctl.json(*TO_ALIAS, "--show", "--options", '{"apns_production": false}', "--apns-production")
    assert body_of(answer)["requests"][0]["options"]["apns_production"] is False


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (TO_ALIAS, "options.apns_production"),
        ((*ANDROID, "--lane", "slow"), "lane"),
        ((*ANDROID, "--expires-in", "-1"), "expires_in"),
        ((*ANDROID, "--registration-id", "1a0018970a8b2c3d"), "registration_id"),
        ((*ANDROID, "--app", "No Name"), "app"),
        ((*ANDROID, "--push-id", derive_push_id("shop", "k")), "push_id"),
        ((*ANDROID, "--alert", "x" * 5000), "notification"),
    ],
)
def test_what_a_send_would_refuse_is_refused(pushctl, words, field):
    code, answer = pushctl.json(*words, "--show")
    assert (code, answer["error"], answer["field"]) == (1, "InvalidPush", field)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--show", "perl"), "--show"),
        (("--show", "--wait", "1"), "--wait"),
        (("--show", "--region", "mars"), "--region"),
        (("--show", "--base-url", "http://key:s3cret@host"), "--base-url"),
        (("--show", "--base-url", "https://host/s3cret"), "--base-url"),
        (("--show", "--base-url", "https://host:s3cret"), "--base-url"),
        (("--show", "--base-url", "ftp://s3cret"), "--base-url"),
        (("--show", "--base-url", "https://$(s3cret)"), "--base-url"),
        (("--region", "sgp"), "--region"),
        (("--base-url", "http://127.0.0.1:1"), "--base-url"),
        (("--apns-production",), "--apns-production"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(pushctl, options, named):
    code, answer = pushctl.json(*ANDROID, *options)
    assert (code, answer["error"]) == (2, "Usage")
    assert named in answer["message"]
    assert "s3cret" not in answer["message"]
    assert pushctl.producer.sent == []


def test_no_secret_of_the_environment_is_printed(pushctl, monkeypatch):
    monkeypatch.setenv("APP_KEY", "s3cret-key")
    monkeypatch.setenv("PUSH_APPS__shop__MASTER_SECRET", "s3cret")
    for dialect in Dialect:
        assert pushctl(*ANDROID, "--show", dialect) == 0
        assert "s3cret" not in pushctl.out
        assert "MASTER_SECRET" in pushctl.out


def test_a_program_is_utf_8_whatever_the_terminal_uses():
    command = [sys.executable, "-m", "producers.cli", *ANDROID, "--alert", "\u00e9\U0001f600", "--show"]
    done = subprocess.run(
        command, capture_output=True, timeout=30, check=True, env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "1"}
    )
    assert '"alert":"\u00e9\U0001f600"'.encode() in done.stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ([], []),
        (["--show"], ["--show", "curl"]),
        (["--show", "--json"], ["--show", "curl", "--json"]),
        (["--show", "go", "--json"], ["--show", "go", "--json"]),
        (["--show=go", "--json"], ["--show=go", "--json"]),
    ],
)
def test_the_dialect_may_be_left_out(words, completed):
    assert with_dialect(words) == completed
