"""What the acceptance and chaos tests share: distinct pushes, waiting for a fact, and the count from the other side."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from producers import keys
from sandbox.stack import Stack
from worker.books import Books

POLL_SECONDS = 0.01

Send = dict[str, Any]


def sends(mark: str, count: int, *, start: int = 0) -> list[Send]:
    """Pushes to `count` devices, each with a content of its own; every tenth goes by alias."""
    return [
        {"alias" if i % 10 == 9 else "registration_id": f"{'alias' if i % 10 == 9 else 'rid'}_{mark}_{i}"}
        | {"notification": f"{mark} {i}"}
        for i in range(start, start + count)
    ]


def until(is_so: Callable[[], Any], *, within: float = 10.0, what: str = "the awaited fact") -> float:
    """Poll until `is_so()` is true; returns the seconds that took. Raises `TimeoutError`."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > within:
            raise TimeoutError(f"{what} did not come within {within} s")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def assert_balanced(stack: Stack) -> Books:
    """The books of `shop` close: nothing pending, nothing unaccounted for. Returns them."""
    books = stack.books()
    assert (books.pending, books.drift) == (0, 0), books
    return books


def assert_each_once(stack: Stack, push_ids: Sequence[str]) -> dict[str, Any]:
    """Every push reached its device once and nothing else arrived, counted at the sandbox. Returns its counts."""
    compared = stack.sandbox.check(cids=list(push_ids))
    counts = stack.sandbox.counts("shop")
    assert (compared["missing"], compared["surplus"]) == (0, 0), compared
    assert (counts["deliveries"], counts["duplicates"]) == (len(push_ids), 0), counts
    return counts


def leases(stack: Stack, app: str = "shop") -> set[bytes]:
    """Tokens of the leases that exist now, whoever holds them."""
    with stack.redis.client() as client:
        return set(client.hkeys(keys.prefix(app) + "leases"))


def report_figures(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Show a figure in the output of the run, passed or not."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
        sys.stdout.flush()
