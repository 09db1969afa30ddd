"""From a receipt to what a command shows of its fate, waiting for it where asked to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ..errors import BrokerUnavailable
from ..outcomes import State
from ..receipts import Receipt, Status, WaitTimeout
from .output import DONE, FAILED, Answer


class OutcomeUnreadable(BrokerUnavailable):
    """Redis did not answer a question; unlike after a send, nothing needs to be repeated."""

    def __str__(self) -> str:
        return f"Redis did not answer; what became of push {self.push_id} is not known: ask again with pushctl status"


def find_outcome(receipt: Receipt, wait: float | None, *, is_quiet: bool) -> Status:
    """The status of a push: now, or once it has an outcome, or after `wait` seconds or Ctrl-C without one.

    Raises:
        OutcomeUnreadable: Redis did not answer.
    """
    try:
        if wait is None:
            return receipt.status()
        with _spinner(is_quiet):
            return receipt.wait(wait)
    except WaitTimeout as timeout:
        return timeout.status
    except KeyboardInterrupt:
        # The push is stored: its id must reach the reader.
        return Status(receipt.push_id, receipt.app, State.PENDING)
    except BrokerUnavailable as error:
        raise OutcomeUnreadable([receipt.push_id], maybe_stored=True) from error.__cause__


def described(status: Status) -> dict[str, Any]:
    """The members that say where a push stands; those that do not apply are null."""
    at = datetime.fromtimestamp(status.at_seconds, UTC).isoformat() if status.at_seconds else None
    return {
        "state": status.state.word,
        "msg_id": status.msg_id or None,
        "code": status.code or None,
        "reason": status.message or None,
        "attempts": status.attempts,
        "at": at,
    }


def answered(fields: dict[str, Any], status: Status, *, is_failure: bool) -> Answer:
    """An answer that ends with where the push stands."""
    return Answer({**fields, **described(status)}, FAILED if is_failure else DONE)


@contextmanager
def _spinner(is_quiet: bool) -> Iterator[None]:
    if is_quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("waiting for the outcome"):
        yield
