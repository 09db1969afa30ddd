"""Batch push: per-target results, and the refusals of the whole call."""

from typing import Any

import pytest

from tests.sandbox.driver import Sandbox, item

REFUSED: list[tuple[Any, int]] = [
    ({}, 21002),
    ({"requests": []}, 21002),
    ({"requests": [{"platform": "android"}]}, 21002),
    ({"requests": {"target": "rid1"}}, 21016),
    ({"requests": ["rid1"]}, 21016),
    ({"requests": [{"target": 5}]}, 21016),
    ({"requests": [item(f"rid{n}") for n in range(501)]}, 21016),
    ({"requests": [item("rid1"), item("rid1")]}, 21003),
]

ITEM_REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"to": "all"}, 21015),
    ({"platform": "windows"}, 21003),
    ({"platform": None}, 21016),
    ({"platform": "ios"}, 21011),
    ({"notification": {}}, 21002),
    ({"notification": {"android": {"alert": 5}}}, 21016),
    ({"notification": {"alert": "x" * 4000}}, 21005),
    ({"message": {"msg_content": "x"}}, 21306),
    ({"options": {"cid": "no spaces"}}, 23003),
    ({"options": {"time_to_live": -1}}, 21003),
    ({"options": {"big_push_duration": 0}}, 23006),
    ({"custom_args": {"k": "v" * 200}}, 21016),
]


@pytest.mark.parametrize(("body", "code"), REFUSED)
def test_a_malformed_call_is_refused_as_a_whole(sandbox: Sandbox, body, code):
    """HTTP 400 and no target is touched."""
    answer = sandbox.call("/v4/batch/push/regid", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert sandbox.counts()["deliveries"] == 0


@pytest.mark.parametrize(("change", "code"), ITEM_REFUSED)
def test_a_malformed_item_fails_alone(sandbox: Sandbox, change, code):
    """Its neighbours are delivered and the call stays 200."""
    requests = [item("rid1"), {**item("rid2"), **change}, item("rid3")]
    answer = sandbox.call("/v4/batch/push/regid", {"requests": requests})
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [results[target]["success"] for target in ("rid1", "rid2", "rid3")] == [True, False, True]
    assert results["rid2"]["error"]["code"] == code
    assert sandbox.counts()["deliveries"] == 2


def test_results_are_keyed_by_target_with_numeric_ids(sandbox: Sandbox):
    """msg_id is a number here and a string in single push."""
    answer = sandbox.batch("rid1", "rid2")
    assert set(answer) == {"results"}
    first, second = (answer["results"][target]["msg_id"] for target in ("rid1", "rid2"))
    assert isinstance(first, int)
    assert first != second
    assert answer["results"]["rid1"] == {"target": "rid1", "success": True, "msg_id": first}


def test_strange_targets_come_back_as_they_were(sandbox: Sandbox):
    """Quotes, other alphabets and control characters survive the joined JSON."""
    targets = ('rid"quote', "rid\\back", "rid推送", "rid\n", "nobody'\"")
    results = sandbox.batch(*targets)["results"]
    assert tuple(results) == targets
    assert [entry["success"] for entry in results.values()] == [True] * 4 + [False]
    assert sandbox.deliveries(target='rid"quote')["total"] == 1


def test_unknown_targets_have_their_codes(sandbox: Sandbox):
    """20101 for a registration id, 21011 for an alias."""
    assert sandbox.batch("nobody")["results"]["nobody"]["error"]["code"] == 20101
    results = sandbox.batch("stranger", "user_1", "a" * 41, "userios2", alias=True)["results"]
    codes = {target: entry.get("error", {}).get("code") for target, entry in results.items()}
    assert codes == {"stranger": 21011, "user_1": None, "a" * 41: 21003, "userios2": 21011}
    assert [row["device"] for row in sandbox.deliveries()["deliveries"]] == ["rid-user_1"]


def test_platform_is_the_device_s(sandbox: Sandbox):
    """`ridios` and `ridhmos` are other platforms; `all` and an array that names them reach them."""
    for platform, reached in (("all", 3), (["ios", "hmos"], 2), ("hmos", 1)):
        requests = [{**item(target), "platform": platform} for target in ("rid1", "ridios1", "ridhmos1")]
        results = sandbox.call("/v4/batch/push/regid", {"requests": requests}).json()["results"]
        assert sum(entry["success"] for entry in results.values()) == reached
