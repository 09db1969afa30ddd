"""Workers, rates and window shapes: `pytest -m load tests/chaos/test_quota_matrix.py -s` prints them as a table."""

import pytest

from tests.acceptance.pushes import report_figures
from tests.acceptance.quota_run import SHAPES, Shape, run_against_quota

pytestmark = [pytest.mark.load, pytest.mark.timeout(240)]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("rate", [500, 5_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_twenty_thousand_sends_keep_to_the_quota_and_use_it(tmp_path, capsys, shape: Shape, rate, workers):
    """20,000 sends: no second over the quota, at least 95 % of it used, each send delivered once."""
    run = run_against_quota(tmp_path, shape, rate, workers, 20_000)
    report_figures(capsys, run.row())

    assert run.worst_second <= rate
    assert (run.throttled, run.used >= 0.95) == (0, True)
