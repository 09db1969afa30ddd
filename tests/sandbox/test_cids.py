"""The cid memory: what a repeat gets, and for how long."""

import pytest

from tests.sandbox.driver import GROUP, Sandbox, push_request


def test_a_repeat_returns_the_first_msg_id_and_delivers_nothing(sandbox: Sandbox):
    """Single and batch share one memory per AppKey; the payload is not compared."""
    first = sandbox.push(cid="c1").json()["msg_id"]
    assert sandbox.push({"registration_id": ["rid9"]}, cid="c1").json()["msg_id"] == first
    assert sandbox.batch("rid5", cid="c1")["results"]["rid5"]["msg_id"] == int(first)
    counts = sandbox.counts()
    assert (counts["deliveries"], counts["cid_hits"], counts["units_admitted"]) == (1, 2, 3)


def test_the_memory_lasts_one_hour_of_the_sandbox_clock(sandbox: Sandbox):
    """A second before it is a hit, after it a new push."""
    first = sandbox.push(cid="c1").json()["msg_id"]
    sandbox.advance(3595)
    assert sandbox.push(cid="c1").json()["msg_id"] == first
    sandbox.advance(10)
    assert sandbox.push(cid="c1").json()["msg_id"] != first
    assert sandbox.counts()["duplicate_cids"] == 1


def test_without_memory_every_repeat_is_delivered(sandbox: Sandbox):
    """And counted as a duplicate."""
    sandbox.settings(cid_memory="off")
    assert len({sandbox.push(cid="c1").json()["msg_id"] for _ in range(3)}) == 3
    assert sandbox.counts()["duplicates"] == 2


def test_only_successful_pushes_are_remembered(sandbox: Sandbox):
    """A refused push leaves its cid free."""
    assert sandbox.batch("nobody", cid="c1")["results"]["nobody"]["success"] is False
    assert sandbox.push({"tag": ["unknown1"]}, cid="c1").status_code == 400
    assert sandbox.batch("rid1", cid="c1")["results"]["rid1"]["success"] is True
    assert sandbox.counts()["cid_hits"] == 0


def test_the_memory_can_be_kept_per_endpoint(sandbox: Sandbox):
    """Then the same cid through another endpoint is a second delivery."""
    sandbox.settings(cid_scope="endpoint")
    sandbox.push({"registration_id": ["rid1"]}, cid="c1")
    sandbox.batch("rid1", cid="c1")
    sandbox.batch("rid1", cid="c1")
    counts = sandbox.counts()
    assert (counts["deliveries"], counts["duplicate_cids"], counts["cid_hits"]) == (2, 1, 1)


def test_hits_may_cost_nothing(sandbox: Sandbox):
    """By setting; then a repeat passes even without quota."""
    sandbox.settings(quota=3, quota_shape="sliding", cid_hits_cost="off")
    sandbox.batch("rid1", "rid2", "rid3", cid="{}")
    answer = sandbox.batch("rid0", "rid1", "rid2", "rid3", cid="{}")
    assert [entry["success"] for entry in answer["results"].values()] == [True, True, True, False]
    assert sandbox.push({"registration_id": ["rid1"]}, cid="rid1").status_code == 200
    assert sandbox.counts()["units_asked"] == 4


@pytest.mark.parametrize(("memory", "delivered"), [("off", 2), ("on", 1)])
def test_group_push_ignores_the_cid_unless_told(sandbox: Sandbox, memory, delivered):
    """It has no documented cid."""
    sandbox.settings(group_cid=memory)
    for _ in range(2):
        assert sandbox.call("/v4/grouppush", push_request(cid="g1"), auth=GROUP).status_code == 200
    assert sandbox.counts()["deliveries"] == delivered
