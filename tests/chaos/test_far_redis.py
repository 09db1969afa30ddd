"""Workers that are far from their Redis: slower, and no worse."""

import pytest

from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, sends
from tests.chaos.far_redis import FarRedis

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]


def test_a_worker_whose_redis_is_forty_milliseconds_away_delivers(tmp_path):
    """A round trip longer than a grant is fresh for must not keep calls from starting."""
    with FarRedis(lambda: stack.redis.port, one_way_seconds=0.02) as far:
        stack = Stack(tmp_path, sandbox=SandboxOptions(quota=1_000), environment={"PUSH_REDIS_URL": far.url})
        with stack:
            report = stack.producer().send_many(sends("far", 500), app="shop")
            books = stack.wait_drained(timeout=20)

            assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
            assert (books.accepted, assert_balanced(stack)) == (500, books)
