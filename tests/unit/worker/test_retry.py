"""The edges of the cid rule, to the number."""

import pytest

from config.delivery import DeliverySettings
from producers.entry import Entry
from tests.lanes_fixture import dice, fault
from worker.api import ErrorClass
from worker.retry import Again, Dead, Unknown, judge

NOW = 1_800_000_000_000
REF = "0123456789ab0zz"
SETTINGS = DeliverySettings(
    retry_attempts=8, retry_base_ms=1_000, retry_cap_ms=1_000, cid_life_ms=60_000, retry_total_ms=600_000
)
"""A retry is due 500 to 1,000 ms from now."""


@pytest.mark.parametrize(
    ("maybe_sent", "attempts", "first_ago_ms", "expires_in_ms", "verdict"),
    [
        pytest.param(True, 1, 0, 2_000, Again, id="in time"),
        pytest.param(True, 1, 0, 400, Unknown, id="due after it expired"),
        pytest.param(True, 1, 58_000, 90_000, Again, id="within its cid's life"),
        pytest.param(True, 1, 59_600, 90_000, Unknown, id="due after its cid's life"),
        pytest.param(True, 7, 0, 90_000, Unknown, id="attempts used up, may have been sent"),
        pytest.param(False, 7, 0, 90_000, Dead, id="attempts used up, never sent"),
        pytest.param(False, 1, 599_600, 90_000, Dead, id="time used up, never sent"),
        pytest.param(False, 1, 100_000, 400, Again, id="never sent: the lease drops what expired"),
    ],
)
def test_a_failed_attempt_ends_where_the_rule_says(
    maybe_sent: bool, attempts: int, first_ago_ms: int, expires_in_ms: int, verdict: type
) -> None:
    """Each row lies beside the edge that decides it."""
    entry = Entry("1mcc5rm00" + REF, "rid", b"{}", NOW + expires_in_ms, REF, attempts, maybe_sent, NOW - first_ago_ms)
    result = judge(
        entry,
        fault(ErrorClass.UNSENT),
        first_attempt_at_ms=NOW,
        now_ms=NOW,
        settings=SETTINGS,
        rng=dice(1),
    )
    assert type(result) is verdict
