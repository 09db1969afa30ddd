"""What an application holds after a send, and what it can ask about it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .outcomes import Slot, State


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one push at one moment.

    `msg_id` is the API's id (decimal string) once accepted, `code` and `message` the vendor's reason when refused
    (`message` is the last one seen with that code), `attempts` the calls that counted, `at_seconds` unix time of the
    outcome; 0 and empty strings mean *none*. `detail` holds what fits nowhere else, such as what each
    app of a group did.
    """

    push_id: str
    app: str
    state: State
    msg_id: str = ""
    code: int = 0
    message: str = ""
    attempts: int = 0
    at_seconds: int = 0
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the push has an outcome."""
        return self.state.is_outcome

    @classmethod
    def of_slot(
        cls, push_id: str, app: str, slot: Slot, message: str = "", detail: dict[str, Any] | None = None
    ) -> "Status":
        """Read a slot; duplicates and conflicts never became pushes of their own."""
        state = slot.state if slot.state <= State.PURGED else State.ABSENT
        more = dict(detail or {})
        msg_id = str(slot.msg_id) if slot.msg_id else str(more.get("msg_id", ""))
        return cls(push_id, app, state, msg_id, slot.code, message, slot.attempts, slot.at_seconds, more)


class WaitTimeout(TimeoutError):
    """`receipt.wait` ended before the push had an outcome; the push itself goes on."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"push {status.push_id} is still {status.state.word}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a push is stored. `duplicate`: an earlier send with the same idempotency key and content counts."""

    push_id: str
    app: str
    lane: str
    duplicate: bool = False
    ref: str = field(default="", repr=False)
    look_up: "Callable[[Receipt], Status] | None" = field(default=None, repr=False, compare=False)

    def status(self) -> Status:
        """Ask Redis once. Raises `BrokerUnavailable`."""
        if self.look_up is None:
            raise RuntimeError("this receipt has no producer; ask Producer.status(push_id, app=…)")
        return self.look_up(self)

    def wait(self, timeout: float = 10.0) -> Status:
        """Wait up to `timeout` seconds for the outcome. Raises `WaitTimeout` or `BrokerUnavailable`."""
        until = time.monotonic() + timeout
        pause = 0.01
        while True:
            status = self.status()
            if status.is_final:
                return status
            remaining = until - time.monotonic()
            if remaining <= 0:
                raise WaitTimeout(status)
            time.sleep(min(pause, remaining))
            pause = min(pause * 1.5, 0.25)


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of each item of `send_many`, in the order given: a `Receipt`, or the `PushError` it met."""

    results: "tuple[Receipt | Exception, ...]"

    @property
    def receipts(self) -> list[Receipt]:
        """Receipts of the items that are stored."""
        return [result for result in self.results if isinstance(result, Receipt)]

    @property
    def errors(self) -> dict[int, Exception]:
        """Position of each refused item → its error."""
        return {index: result for index, result in enumerate(self.results) if isinstance(result, Exception)}
