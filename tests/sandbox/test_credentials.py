"""Who may call, and with which code the others are refused."""

import base64
from typing import Any

import pytest

from tests.sandbox.driver import GROUP, KEY, OTHER_KEY, OTHER_SECRET, SECRET, Sandbox, push_request

REFUSED = [
    (None, 401, 27001),
    ("Basic", 401, 27001),
    (f"{KEY}:", 401, 27001),
    (f":{SECRET}", 401, 27001),
    ("Basic ***", 401, 21004),
    (f"{KEY}:wrong", 401, 21004),
    (f"nobody:{SECRET}", 401, 21004),
    (f"{OTHER_KEY}:{SECRET}", 401, 21004),
    (f"spaced key:{SECRET}", 400, 21008),
    (":".join(GROUP), 401, 21004),
]


@pytest.mark.parametrize(("credentials", "status", "code"), REFUSED)
def test_wrong_credentials_get_their_documented_code_and_have_no_effect(sandbox: Sandbox, credentials, status, code):
    """Each way of being nobody has its code; the refusal is counted without an app."""
    header = credentials
    if credentials and ":" in credentials:
        header = f"Basic {base64.b64encode(credentials.encode()).decode()}"
    headers = {"authorization": header} if header else {}
    request = sandbox.http.build_request("POST", "/v4/push", json=push_request(), headers=headers)
    answer = sandbox.http.send(request, auth=None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert sandbox.control("counts", method="GET")["refused"] == {str(code): 1}
    assert sandbox.counts()["calls"] == 0


def test_apps_are_separate(sandbox: Sandbox):
    """Quota, cid memory and counts belong to one AppKey."""
    other = (OTHER_KEY, OTHER_SECRET)
    first = sandbox.push(cid="same").json()["msg_id"]
    second = sandbox.call("/v4/push", push_request(cid="same"), auth=other).json()["msg_id"]
    assert first != second
    counts = sandbox.control("counts", method="GET")
    assert [entry["deliveries"] for entry in counts["apps"].values()] == [1, 1]
    assert counts["total"]["duplicates"] == 0


def test_a_secret_can_be_rotated_and_an_app_added_while_running(sandbox: Sandbox):
    """After the rotation the old secret is refused and the new one works."""
    app: dict[str, Any] = {"app_key": "addedapp0000000000000000", "master_secret": "one", "quota": 7}
    assert sandbox.control("apps", app) == {"app_key": app["app_key"], "quota": 7}
    assert sandbox.call("/v4/push", push_request(), auth=(app["app_key"], "one")).status_code == 200
    sandbox.control("apps", {**app, "master_secret": "two"})
    assert sandbox.call("/v4/push", push_request(), auth=(app["app_key"], "one")).json()["error"]["code"] == 21004
    assert sandbox.call("/v4/push", push_request(), auth=(app["app_key"], "two")).status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v4/push", 405), ("POST", "/v4/nothing", 404)])
def test_wrong_method_and_wrong_url_are_21001(sandbox: Sandbox, method, path, status):
    """405 for the method and 404 for the URL, both with the same code."""
    answer = sandbox.http.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, 21001)
