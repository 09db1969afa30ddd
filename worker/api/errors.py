"""What can go wrong with a call: `Fault`, a value, for the delivery, and `ApiError`, raised by the direct client.

The tree groups by what the caller does next; `ErrorClass` in `codes.py` is the same grouping as a value.

    ApiError
    ├── NotSent              nothing left this machine: send it again
    ├── Throttled            over the quota, nothing was sent: send it again later
    ├── ServiceUnavailable   the service failed, it may have had an effect: again later, with the same cid
    ├── OutcomeUnknown       no readable verdict, it may have had an effect: again after 10 s, with the same cid
    ├── RequestRefused       the request is wrong: correct it
    │   └── AppNotConfigured something is missing in the vendor's console: complete it there
    ├── TargetRefused        the target is wrong: drop it
    └── AccessRefused        nothing from here will work
        ├── CredentialsRefused   AppKey, Master Secret or subscription: correct them
        └── AddressRefused       this machine's address is not in the allow-list: add it, or call from another
"""

from dataclasses import dataclass
from typing import ClassVar

from worker.api.codes import TABLE, ErrorClass, Row, classify, judge
from worker.api.redaction import MAX_MESSAGE, Scrubber

__all__ = [
    "TABLE",
    "AccessRefused",
    "AddressRefused",
    "ApiError",
    "AppNotConfigured",
    "CredentialsRefused",
    "ErrorClass",
    "Fault",
    "NotSent",
    "OutcomeUnknown",
    "RequestRefused",
    "Row",
    "ServiceUnavailable",
    "TargetRefused",
    "Throttled",
    "api_error",
    "classify",
    "judged",
]

MAYBE_SENT = frozenset({ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS})
"""Classes after which the push may have reached a device: everything but "never left" and an explicit refusal."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call, or one target of it, was not accepted.

    Attributes:
        kind: what happens next.
        code: vendor code, None when the answer has none.
        status: HTTP status, None when there was no answer.
        message: one line, at most 200 characters, without credentials and without the full targets of the call.
        maybe_sent: the push may have had an effect all the same.
        unknown: neither the code nor the status is in the error table; worth a look by a person.
    """

    kind: ErrorClass
    code: int | None
    status: int | None
    message: str
    maybe_sent: bool
    unknown: bool = False

    def __post_init__(self) -> None:
        """Hold the bound on the message, whoever builds the fault."""
        if len(self.message) > MAX_MESSAGE:
            object.__setattr__(self, "message", self.message[:MAX_MESSAGE])


def judged(code: int | None, status: int | None, text: str, scrubber: Scrubber, own: str = "") -> Fault:
    """Build the fault of an answer from the error table.

    Args:
        code: vendor code, if the answer has one.
        status: HTTP status of the answer.
        text: the vendor's message; empty means that the table's own wording is used.
        scrubber: knows the credentials and the targets of the call.
        own: the target that the message is about, if it is about one.
    """
    verdict = judge(code, status)
    message = scrubber.clean(text, own) if text else verdict.meaning
    return Fault(verdict.kind, code, status, message, verdict.kind in MAYBE_SENT, verdict.unknown)


class ApiError(Exception):
    """A call that was not accepted. Picklable; never carries the secret, a body, or a full target."""

    next_step: ClassVar[str] = "look at the class of the error"

    def __init__(self, fault: Fault, path: str) -> None:
        super().__init__(fault, path)
        self.fault = fault
        self.path = path

    @property
    def kind(self) -> ErrorClass:
        """The class of the error as a value."""
        return self.fault.kind

    @property
    def status(self) -> int | None:
        """HTTP status, None when there was no answer."""
        return self.fault.status

    @property
    def code(self) -> int | None:
        """Vendor code, None when the answer has none."""
        return self.fault.code

    @property
    def message(self) -> str:
        """The vendor's or the network's words, bounded and scrubbed."""
        return self.fault.message

    @property
    def maybe_sent(self) -> bool:
        """Whether the call may have had an effect all the same."""
        return self.fault.maybe_sent

    def __str__(self) -> str:
        """Say what happened and what to do."""
        status = "no answer" if self.status is None else f"HTTP {self.status}"
        code = "" if self.code is None else f", code {self.code}"
        return f"{self.path}: {status}{code}: {self.message}. Next: {self.next_step}"


class NotSent(ApiError):
    """Refused connection, DNS, no free connection, TLS: no byte of the request left this machine."""

    next_step = "send it again; nothing left this machine"


class Throttled(ApiError):
    """Over the quota of the AppKey; nothing was sent."""

    next_step = "send it again later; nothing was sent"


class ServiceUnavailable(ApiError):
    """The service failed; the call may have had an effect."""

    next_step = "send it again later, with the same cid"


class OutcomeUnknown(ApiError):
    """Time-out or reset after writing, or an answer that cannot be read; the call may have had an effect."""

    next_step = "send it again after ten seconds, with the same cid, within the hour that the cid lives"


class RequestRefused(ApiError):
    """The request is wrong and will be refused again."""

    next_step = "correct the request"


class AppNotConfigured(RequestRefused):
    """The app lacks something in the vendor's console, such as a P8 certificate."""

    next_step = "complete the app's settings in the vendor's console"


class TargetRefused(ApiError):
    """The registration id or alias is not one of this app, or no device matches."""

    next_step = "drop the target"


class AccessRefused(ApiError):
    """Nothing from here will be accepted until someone changes something."""


class CredentialsRefused(AccessRefused):
    """AppKey, Master Secret or subscription are refused."""

    next_step = "check AppKey, Master Secret, region and subscription"


class AddressRefused(AccessRefused):
    """The address of this machine is not in the app's allow-list."""

    next_step = "add this machine's address to the app's allow-list"


_RAISED: dict[ErrorClass, type[ApiError]] = {
    ErrorClass.UNSENT: NotSent,
    ErrorClass.TRANSIENT: ServiceUnavailable,
    ErrorClass.THROTTLED: Throttled,
    ErrorClass.AMBIGUOUS: OutcomeUnknown,
    ErrorClass.PERMANENT: RequestRefused,
    ErrorClass.TARGET: TargetRefused,
    ErrorClass.CREDENTIAL: CredentialsRefused,
    ErrorClass.BENCH: AddressRefused,
    ErrorClass.SETUP: AppNotConfigured,
}


def api_error(fault: Fault, path: str) -> ApiError:
    """Give the exception of a fault.

    Args:
        fault: what went wrong.
        path: request path with its parameters left as names, so that no target gets into the text.
    """
    return _RAISED[fault.kind](fault, path)
