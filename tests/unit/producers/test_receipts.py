"""Asking after a push, and waiting for it."""

import time
from dataclasses import replace
from itertools import count

import pytest

from producers.errors import BrokerUnavailable
from producers.outcomes import Slot, State
from producers.receipts import Receipt, SendReport, Status, WaitTimeout

RECEIPT = Receipt("1mcc5rm000123456789ab0zz", "shop", "urgent")


def answering(*states: State) -> Receipt:
    """A receipt whose push goes through `states`, and stays in the last."""
    turns = count()
    return replace(
        RECEIPT, look_up=lambda receipt: Status(receipt.push_id, "shop", states[min(next(turns), len(states) - 1)])
    )


def test_waiting_ends_with_the_outcome() -> None:
    """As soon as there is one."""
    assert answering(State.PENDING, State.PENDING, State.ACCEPTED).wait(5).state is State.ACCEPTED


@pytest.mark.parametrize("state", [state for state in State if state.is_outcome])
def test_every_outcome_ends_the_wait(state: State) -> None:
    """Not only the good one."""
    assert answering(state).wait(0).state is state


@pytest.mark.parametrize("state", [State.PENDING, State.ABSENT])
def test_waiting_ends_with_its_time_out(state: State) -> None:
    """With what is known; and no later than asked."""
    started = time.monotonic()
    with pytest.raises(WaitTimeout) as caught:
        answering(state).wait(0.15)
    assert 0.15 <= time.monotonic() - started < 1
    assert caught.value.status.state is state
    assert RECEIPT.push_id in str(caught.value)
    assert isinstance(caught.value, TimeoutError)


def test_a_wait_of_no_time_asks_once() -> None:
    """It never sleeps."""
    with pytest.raises(WaitTimeout):
        answering(State.PENDING, State.ACCEPTED).wait(0)


def test_a_wait_tells_that_redis_is_away() -> None:
    """The caller decides whether to go on."""

    def fail(_: Receipt) -> Status:
        raise BrokerUnavailable([], maybe_stored=True)

    with pytest.raises(BrokerUnavailable):
        replace(RECEIPT, look_up=fail).wait(5)


def test_a_receipt_from_elsewhere_says_whom_to_ask() -> None:
    """One that went through pickle or JSON has no producer."""
    with pytest.raises(RuntimeError, match=r"Producer\.status"):
        RECEIPT.status()


@pytest.mark.parametrize("state", [State.DUPLICATE, State.CONFLICT])
def test_marks_of_repeats_are_no_states_of_a_push(state: State) -> None:
    """They never became pushes of their own."""
    assert Status.of_slot("id", "shop", Slot(state), "").state is State.ABSENT


def test_a_status_shows_what_the_slot_holds() -> None:
    """A msg_id as the API spells it, none as an empty text."""
    status = Status.of_slot("id", "shop", Slot(State.ACCEPTED, 2, 0, 2**63, 7), "")
    assert (status.msg_id, status.attempts, status.at_seconds, status.is_final) == (str(2**63), 2, 7, True)
    assert Status.of_slot("id", "shop", Slot(State.PENDING), "").msg_id == ""


def test_a_report_keeps_the_order() -> None:
    """Receipts and errors by their position."""
    error = ValueError("x")
    report = SendReport((RECEIPT, error, RECEIPT))
    assert (report.receipts, report.errors) == ([RECEIPT, RECEIPT], {1: error})
