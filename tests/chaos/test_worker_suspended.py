"""A worker that stands still for longer than its lease, and then goes on as if nothing had happened."""

import pytest

from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, leases, sends, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]


@pytest.mark.parametrize("pool", ["threads", pytest.param("prefork", marks=pytest.mark.load)])
def test_a_resumed_worker_settles_nothing_that_was_taken_over(tmp_path, pool):
    """SIGSTOP past the lease, take-over by another worker, SIGCONT: nothing is settled or delivered a second time."""
    numbers = {"call_deadline_ms": 1_500, "lease_ms": 4_000}
    options = SandboxOptions(quota=2_000, latency_ms=50)
    with Stack(tmp_path, pool=pool, concurrency=4, sandbox=options, delivery=numbers) as stack:
        report = stack.producer().send_many(sends("zombie", 3_000), app="shop")
        until(lambda: stack.books().accepted > 300, what="the first deliveries")
        stack.sandbox.faults([{"kind": "latency", "seconds": 1.0}])
        until(lambda: len(leases(stack)) > 1, what="calls in flight")
        zombie = stack.workers[0]
        zombie.pause()
        held = leases(stack)
        stack.sandbox.clear_faults()
        stack.start_worker()
        until(lambda: not held & leases(stack), within=20, what="the take-over")
        zombie.resume()
        until(lambda: zombie.log().count("push.lease.lost") >= len(held), what="the zombie's discovery")
        books = stack.wait_drained()

        counts = assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
        assert counts["cid_hits"] > 0, "no call was taken over after it had taken effect"
        assert (books.accepted, assert_balanced(stack)) == (3_000, books)
