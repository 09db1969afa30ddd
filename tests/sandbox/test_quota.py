"""Quota in units, in the three shapes, by the sandbox clock."""

import time

import pytest

from tests.sandbox.driver import Sandbox, running

SHAPES = ("fixed", "sliding", "bucket")


def targets(count: int, first: int = 0) -> list[str]:
    """So many registration ids."""
    return [f"rid{number}" for number in range(first, first + count)]


def start_of_second(sandbox: Sandbox, part: float = 0.0) -> None:
    """Move the sandbox clock to just after a calendar second, plus a part of one."""
    now = sandbox.control("clock", {})["now"]
    sandbox.advance(1.0 - now % 1.0 + 0.001 + part)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_beyond_the_quota_passes_in_part(sandbox: Sandbox, shape):
    """The first targets pass, the rest get 23008 inside 200, and rate_limit_info says so."""
    sandbox.settings(quota=10, quota_shape=shape)
    start_of_second(sandbox)
    answer = sandbox.batch(*targets(14))
    codes = [entry.get("error", {}).get("code") for entry in answer["results"].values()]
    assert codes[:10] == [None] * 10
    assert codes[-3:] == [23008] * 3
    assert answer["rate_limit_info"]["rate_limit_occurred"] is True
    counts = sandbox.counts()
    assert counts["units_asked"] == 14
    assert counts["units_admitted"] == counts["deliveries"] == codes.count(None)
    assert counts["units_throttled"] == counts["errors"]["23008"] == codes.count(23008)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("status", [400, 429])
def test_a_single_push_beyond_the_quota_is_refused(sandbox: Sandbox, shape, status):
    """23008 with HTTP 400 by default, 429 by setting; a second later it passes."""
    sandbox.settings(quota=1, quota_shape=shape, throttle_status=status)
    start_of_second(sandbox)
    assert sandbox.push().status_code == 200
    refused = sandbox.push()
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, 23008)
    sandbox.advance(1.0)
    assert sandbox.push().status_code == 200


def test_the_shapes_differ_around_a_calendar_second(sandbox: Sandbox):
    """Half a second later in a new calendar second: fixed allows all again, a bucket half, a sliding window nothing."""
    passed = {}
    for shape in SHAPES:
        sandbox.control("reset")
        sandbox.settings(quota=100, quota_shape=shape)
        start_of_second(sandbox, part=0.7)
        sandbox.batch(*targets(100))
        sandbox.advance(0.4)
        results = sandbox.batch(*targets(100))["results"]
        passed[shape] = sum(entry["success"] for entry in results.values())
    assert passed["fixed"] == 100
    assert passed["sliding"] == 0
    assert 38 <= passed["bucket"] <= 60


def test_units_by_kind_of_call(sandbox: Sandbox):
    """One per target in a batch, one for a list push (a setting), one for recall and validate unless scoped away."""
    sandbox.batch(*targets(5))
    sandbox.push({"registration_id": targets(100)})
    sandbox.call("/v4/push/withdraw/1", None, "DELETE")
    assert sandbox.counts()["units_asked"] == 7
    sandbox.settings(list_push_units=3, quota_scope="push")
    sandbox.push({"registration_id": targets(100)})
    sandbox.call("/v4/push/withdraw/1", None, "DELETE")
    assert sandbox.counts()["units_asked"] == 10


def test_quota_zero_is_unlimited(sandbox: Sandbox):
    """Nothing is throttled."""
    sandbox.settings(quota=0)
    for start in range(0, 2000, 500):
        assert "rate_limit_info" not in sandbox.batch(*targets(500, start))
    assert sandbox.counts()["units_admitted"] == 2000


def test_the_worst_second_slides_over_real_arrivals(sandbox: Sandbox):
    """It is measured on the monotonic clock, so moving the sandbox clock does not thin it out."""
    sandbox.settings(quota=10)
    start_of_second(sandbox)
    sandbox.batch(*targets(10))
    sandbox.advance(1.0)
    sandbox.batch(*targets(15))
    counts = sandbox.counts()
    assert (counts["worst_second_asked"], counts["worst_second_admitted"]) == (25, 20)
    assert (counts["worst_calendar_second_asked"], counts["worst_calendar_second_admitted"]) == (15, 10)
    series = sandbox.control("counts?series=1", method="GET")["apps"]
    rows = next(iter(series.values()))["series"]
    assert [row[1:] for row in rows] == [[10, 10], [15, 10]]
    assert counts["first_arrival"] == rows[0][0] <= rows[1][0] == counts["last_arrival"]


def test_units_are_metered_at_arrival_and_the_latency_comes_after():
    """With 300 ms of latency the arrival is noted at once."""
    with running("--latency-ms", "300", "--quota", "5") as sandbox:
        began = time.monotonic()
        assert sandbox.push().status_code == 200
        assert time.monotonic() - began >= 0.3
        sandbox_now = sandbox.control("counts", method="GET")["arrival_now"]
        assert sandbox_now - sandbox.counts()["last_arrival"] >= 0.3
