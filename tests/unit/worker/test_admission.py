"""Threads of one process, shared among classes and apps."""

import contextlib
from contextlib import ExitStack

import pytest

from producers.contract import LaneClass
from worker.admission import Admission, share_of

URGENT, PUSH, BULK = LaneClass.URGENT, LaneClass.PUSH, LaneClass.BULK


@pytest.mark.parametrize("threads", range(1, 20))
@pytest.mark.parametrize("apps", range(1, 6))
def test_shares_are_ordered_and_never_empty(threads: int, apps: int) -> None:
    """What is urgent may use all of an app's part, bulk half of it."""
    urgent, push, bulk = (share_of(threads, apps, each) for each in (URGENT, PUSH, BULK))
    assert 1 <= bulk <= push <= urgent <= max(1, threads // apps)
    if urgent > 1:
        assert push < urgent


def fill(admission: Admission, stack: ExitStack, app: str, lane_class: LaneClass) -> int:
    """Start slices until one is refused; gives how many ran."""
    count = 0
    while stack.enter_context(admission.admit(app, lane_class)):
        count += 1
        assert count < 100
    return count


def test_bulk_and_push_leave_a_thread_for_what_is_urgent() -> None:
    """Bulk has half, push all but one together with it, urgent the rest."""
    admission = Admission(threads=8, apps=1)
    with ExitStack() as stack:
        assert fill(admission, stack, "shop", BULK) == 4
        assert fill(admission, stack, "shop", PUSH) == 3
        assert fill(admission, stack, "shop", URGENT) == 1


def test_one_app_takes_no_thread_of_another() -> None:
    """Whatever it has to do."""
    admission = Admission(threads=8, apps=2)
    with ExitStack() as stack:
        assert fill(admission, stack, "loud", URGENT) == 4
        assert fill(admission, stack, "quiet", PUSH) == 3


def test_urgent_slices_in_use_do_not_bar_push() -> None:
    """A class counts itself and what is less urgent."""
    admission = Admission(threads=4, apps=1)
    with ExitStack() as stack:
        assert fill(admission, stack, "shop", URGENT) == 4
        assert fill(admission, stack, "shop", PUSH) == 3


def test_a_place_is_free_again_after_the_slice() -> None:
    """Also when it failed."""
    admission = Admission(threads=1, apps=1)
    for _ in range(3):
        with contextlib.suppress(ZeroDivisionError), admission.admit("shop", URGENT) as is_admitted:
            assert is_admitted
            raise ZeroDivisionError
    with admission.admit("shop", URGENT) as first, admission.admit("shop", URGENT) as second:
        assert (first, second) == (True, False)
    with admission.admit("shop", URGENT) as is_admitted:
        assert is_admitted
