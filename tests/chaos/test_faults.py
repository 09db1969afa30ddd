"""Every kind of fault at once, on a fifth of the calls: each push ends in one outcome, and the books always agree."""

import threading
from collections import Counter
from types import TracebackType
from typing import Any, Self

import pytest

from producers import State
from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, report_figures, sends
from worker.books import Books

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

SHARE = 0.2
SAMPLE_SECONDS = 0.1
CALL_SECONDS = 1.0
TOO_LONG = CALL_SECONDS + 0.2
"""Longer than a call may take, and over before the push is tried again."""
NUMBERS = {
    "call_deadline_ms": 1_000,
    "lease_ms": 3_000,
    "retry_base_ms": 100,
    "retry_cap_ms": 500,
    "ambiguous_delay_ms": 500,
    "retry_attempts": 4,
    # Small calls: a share of a few dozen would be no share.
    "max_batch": 40,
}
ENDINGS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 504, "effect": True},
    {"kind": "code", "code": 27000},
    {"kind": "code", "code": 21003, "count": 5},
    {"kind": "hang", "seconds": 30},
    {"kind": "close_before"},
    {"kind": "close_before", "reset": True},
    {"kind": "close_after"},
    {"kind": "close_after", "reset": True},
    {"kind": "truncate"},
    {"kind": "html"},
    {"kind": "html", "status": 200},
    {"kind": "empty"},
    {"kind": "half_results"},
    {"kind": "slow", "seconds": TOO_LONG},
    {"kind": "trickle"},
)
ADDITIONS: tuple[dict[str, Any], ...] = (
    {"kind": "latency", "seconds": TOO_LONG, "share": 0.02},
    {"kind": "inflight_twice", "share": 0.2},
)


class Sampler:
    """Reads the books every tenth of a second, and keeps those that do not agree."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self.samples = 0
        self.wrong: list[Books] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            books = self._stack.books()
            self.samples += 1
            if books.drift:
                self.wrong.append(books)


def rules() -> list[dict[str, Any]]:
    """All kinds, each equally often, a fifth of the calls together."""
    each = 1 - (1 - SHARE) ** (1 / len(ENDINGS))
    return [*({**ending, "share": each} for ending in ENDINGS), *ADDITIONS]


@pytest.mark.parametrize("count", [3_000, pytest.param(20_000, marks=pytest.mark.load)])
def test_faults_of_every_kind_leave_each_push_with_one_outcome(tmp_path, capsys, count):
    """With a fifth of the calls failing in every way, no push is lost, counted twice or delivered twice."""
    with Stack(tmp_path, workers=2, sandbox=SandboxOptions(quota=2_000), delivery=NUMBERS) as stack:
        stack.sandbox.faults(rules(), seed=7)
        with Sampler(stack) as sampler:
            report = stack.producer().send_many(sends("faulty", count), app="shop")
            stack.wait_drained(timeout=150)
        fired = [rule["fired"] for rule in stack.sandbox.faults([])]
        books, counts = assert_balanced(stack), stack.sandbox.counts("shop")
        report_figures(
            capsys,
            f"{count} sends, {counts['calls']} calls, {sum(fired[: len(ENDINGS)])} spoilt: accepted {books.accepted}, "
            f"unknown {books.unknown}, rejected {books.rejected}, dead {books.dead}; cid hits {counts['cid_hits']}, "
            f"retries {books.retried}; {sampler.samples} samples of the books",
        )

        assert sampler.samples > 10
        assert sampler.wrong == []
        assert (counts["duplicate_cids"], counts["duplicates"]) == (0, 0), counts
        assert counts["cid_hits"] > 0
        # By chance a small run may miss a kind; the full one may not.
        assert count < 20_000 or all(fired), fired
        assert_outcomes(stack, books, [receipt.push_id for receipt in report.receipts])


def assert_outcomes(stack: Stack, books: Books, push_ids: list[str]) -> None:
    """Each push has one outcome, the one that is in the books; accepted ones arrived, those never sent did not."""
    producer = stack.producer()
    states = {push_id: producer.status(push_id, app="shop").state for push_id in push_ids}
    told = Counter(states.values())
    assert set(told) <= {State.ACCEPTED, State.REJECTED, State.UNKNOWN, State.DEAD}
    expected = (books.accepted, books.rejected, books.unknown, books.dead)
    assert (told[State.ACCEPTED], told[State.REJECTED], told[State.UNKNOWN], told[State.DEAD]) == expected
    accepted = [push_id for push_id, state in states.items() if state is State.ACCEPTED]
    assert stack.sandbox.check(cids=accepted)["missing"] == 0
    dead = [push_id for push_id, state in states.items() if state is State.DEAD]
    assert stack.sandbox.check(cids=dead)["missing"] == len(dead)
