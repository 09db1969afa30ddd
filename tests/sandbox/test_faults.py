"""Each scripted fault as a real client sees it."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.sandbox.driver import KEY, OTHER_KEY, Sandbox, item, push_request

BATCH = "/v4/batch/push/regid"


def delivered(sandbox: Sandbox) -> int:
    """Deliveries so far."""
    return int(sandbox.counts()["deliveries"])


def test_status_without_code_has_an_empty_body_and_no_effect(sandbox: Sandbox):
    """The default is 500."""
    sandbox.fault("status", count=1)
    answer = sandbox.push()
    assert (answer.status_code, answer.content, delivered(sandbox)) == (500, b"", 0)
    assert sandbox.push().status_code == 200


@pytest.mark.parametrize(("code", "status"), [(21030, 503), (27000, 500), (21009, 400), (21038, 401), (23009, 400)])
def test_a_code_comes_with_its_documented_status(sandbox: Sandbox, code, status):
    """Unless the rule names another one."""
    sandbox.fault("code", code=code)
    answer = sandbox.push()
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_status_and_code_combine_and_may_be_flat(sandbox: Sandbox):
    """`{"code", "message"}` as some endpoints of the vendor do; with effect on request."""
    sandbox.fault("status", status=504, code=21030, flat=True, effect=True)
    answer = sandbox.push()
    assert answer.status_code == 504
    assert answer.json()["code"] == 21030
    assert delivered(sandbox) == 1


@pytest.mark.parametrize(("kind", "effect"), [("close_before", 0), ("close_after", 1)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_closed_connection(sandbox: Sandbox, kind, effect, reset):
    """The client gets no answer; before or after the effect; by FIN or by reset. The next call is fine."""
    sandbox.fault(kind, count=1, reset=reset)
    with pytest.raises(httpx.ReadError if reset else httpx.RemoteProtocolError):
        sandbox.push()
    assert delivered(sandbox) == effect
    assert sandbox.push().status_code == 200


def test_a_truncated_body(sandbox: Sandbox):
    """The headers promise more than what comes; the effect happened."""
    sandbox.fault("truncate", count=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        sandbox.push()
    assert delivered(sandbox) == 1


def test_html_and_empty_answers(sandbox: Sandbox):
    """A proxy's page with 502, an empty 200; both after the effect."""
    sandbox.fault("html", count=1)
    sandbox.fault("empty", count=1)
    page, empty = sandbox.push(), sandbox.push()
    assert (page.status_code, page.headers["content-type"], page.text[:6]) == (502, "text/html", "<html>")
    assert (empty.status_code, empty.content) == (200, b"")
    assert delivered(sandbox) == 2


@pytest.mark.parametrize(("effect", "count"), [(False, 0), (True, 1)])
def test_a_hanging_call(sandbox: Sandbox, effect, count):
    """No answer within the client's patience; the server drops it at the end."""
    sandbox.fault("hang", count=1, effect=effect)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.post("/v4/push", json=push_request(), timeout=0.2)
    assert delivered(sandbox) == count
    sandbox.fault("hang", count=1, seconds=0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.push()


def test_a_trickling_answer(sandbox: Sandbox):
    """Every read succeeds, so only a deadline over the whole call ends it."""
    sandbox.fault("trickle", seconds=0.05)
    began = time.monotonic()
    with sandbox.http.stream("POST", "/v4/push", json=push_request(), timeout=0.5) as answer:
        sizes = [len(chunk) for chunk, _ in zip(answer.iter_raw(), range(10), strict=False)]
    assert sizes == [1] * 10
    assert time.monotonic() - began >= 0.4
    assert delivered(sandbox) == 1


def test_a_trickle_that_is_waited_for_is_complete(sandbox: Sandbox):
    """All bytes arrive in the end."""
    sandbox.fault("trickle", seconds=0.001)
    assert sandbox.push().json()["msg_id"].isdigit()


def test_slow_body_and_latency(sandbox: Sandbox):
    """`slow` sends the headers at once; `latency` delays everything and leaves the answer as it is."""
    sandbox.fault("slow", seconds=0.3, count=1)
    began = time.monotonic()
    with sandbox.http.stream("POST", "/v4/push", json=push_request()) as answer:
        assert time.monotonic() - began < 0.25
        assert answer.read()
    assert time.monotonic() - began >= 0.3
    sandbox.fault("latency", seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.post("/v4/push", json=push_request(), timeout=0.1)


def test_half_of_the_results(sandbox: Sandbox):
    """All are delivered, half of the answers are missing."""
    sandbox.fault("half_results", endpoint="batch_regid")
    results = sandbox.batch("rid1", "rid2", "rid3", "rid4")["results"]
    assert list(results) == ["rid1", "rid3"]
    assert delivered(sandbox) == 4


def test_the_same_cid_in_flight_is_delivered_twice(sandbox: Sandbox):
    """The first call remembers its cid only when it has answered."""
    sandbox.control("faults", {"rules": [{"kind": "inflight_twice", "count": 1}, {"kind": "latency", "seconds": 0.4}]})
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(sandbox.push, cid="c1") for _ in range(2)]
        ids = {call.result().json()["msg_id"] for call in calls}
    assert len(ids) == 2
    assert sandbox.counts()["duplicate_cids"] == 1
    assert sandbox.push(cid="c1").json()["msg_id"] in ids


def test_a_share_is_random_but_repeatable(sandbox: Sandbox):
    """The same seed hits the same calls."""
    patterns = []
    for _ in range(2):
        sandbox.control("reset")
        script = {"seed": 7, "rules": [{"kind": "code", "code": 21030, "share": 0.3}]}
        sandbox.control("faults", script)
        patterns.append([sandbox.push().status_code for _ in range(60)])
    assert patterns[0] == patterns[1]
    assert 8 <= patterns[0].count(503) <= 28


def test_rules_name_endpoints_and_apps_and_count_their_shots(sandbox: Sandbox):
    """The first rule that fires decides; the answer shows how often each fired; DELETE clears."""
    rules: list[dict[str, Any]] = [
        {"kind": "status", "status": 502, "endpoint": "batch_regid", "count": 1},
        {"kind": "code", "code": 27000, "endpoint": "batch_regid", "app": KEY},
        {"kind": "empty", "app": OTHER_KEY},
    ]
    assert sandbox.control("faults", rules)["rules"][0] == {**rules[0], "fired": 0}
    assert sandbox.push().status_code == 200
    answers = [sandbox.call(BATCH, {"requests": [item("rid1")]}).status_code for _ in range(3)]
    assert answers == [502, 500, 500]
    assert [rule["fired"] for rule in sandbox.control("faults", method="GET")["rules"]] == [1, 2, 0]
    assert sandbox.control("faults", method="DELETE") == {"rules": []}


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "explode"},
        {"kind": "code"},
        {"kind": "status", "status": 42},
        {"kind": "status", "share": 2},
        {"kind": "status", "endpoint": "nowhere"},
        {"kind": "status", "typo": 1},
        {"kind": "hang", "seconds": "long"},
        "text",
    ],
)
def test_a_wrong_rule_is_refused_and_nothing_is_added(sandbox: Sandbox, rule):
    """400 with a text that names the problem."""
    answer = sandbox.http.post("/_sandbox/faults", json={"rules": [{"kind": "empty"}, rule]})
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.control("faults", method="GET") == {"rules": []}
