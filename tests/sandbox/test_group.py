"""Group push: one answer per app inside one 200."""

from tests.sandbox.driver import GROUP, KEY, OTHER_KEY, Sandbox, push_request


def test_every_app_of_the_group_answers(sandbox: Sandbox):
    """Keys are AppKeys; ids are strings; each app pays one unit."""
    answer = sandbox.call("/v4/grouppush", push_request(), auth=GROUP).json()
    assert set(answer) == {"group_msgid", KEY, OTHER_KEY}
    assert isinstance(answer["group_msgid"], str)
    assert answer[KEY]["msg_id"].isdigit()
    apps = sandbox.control("counts", method="GET")["apps"]
    assert [entry["units_admitted"] for entry in apps.values()] == [1, 1]


def test_one_app_may_fail_alone(sandbox: Sandbox):
    """By a scripted refusal, or because its quota is used up."""
    sandbox.fault("code", code=21038, endpoint="grouppush", app=OTHER_KEY)
    answer = sandbox.call("/v4/grouppush", push_request(), auth=GROUP)
    assert answer.status_code == 200
    assert answer.json()[OTHER_KEY]["error"]["code"] == 21038
    assert "msg_id" in answer.json()[KEY]


def test_a_malformed_group_push_is_refused_as_a_whole(sandbox: Sandbox):
    """And override_msg_id is not supported."""
    assert sandbox.call("/v4/grouppush", {"to": "all"}, auth=GROUP).json()["error"]["code"] == 21002
    answer = sandbox.call("/v4/grouppush", push_request(override_msg_id=1), auth=GROUP)
    assert answer.json()["error"]["code"] == 21015
