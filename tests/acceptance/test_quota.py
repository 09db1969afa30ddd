"""The quota at its sharpest: the exact trailing second, and the shape that differs most. The matrix is a load test."""

import pytest

from tests.acceptance.quota_run import Shape, run_against_quota


@pytest.mark.parametrize("shape", ["sliding", "bucket"])
def test_two_workers_use_the_quota_and_never_exceed_it(tmp_path, shape: Shape):
    """In no second of the sandbox's clock do two workers together ask for more than the quota; they use 95 % of it."""
    run = run_against_quota(tmp_path, shape, rate=500, workers=2, pushes=2_000)

    assert run.worst_second <= run.rate, run.row()
    assert (run.throttled, run.used >= 0.95) == (0, True), run.row()
