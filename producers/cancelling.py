"""Taking a push back while it has not left."""

from dataclasses import dataclass
from enum import StrEnum

from . import ids, keys
from .commands import changing, reading
from .connection import DeadlineRedis, Script
from .errors import InvalidPush, PushError
from .outcomes import SLOT_BYTES, State
from .profiles import Profile

MARKS_KEPT = 100_000
"""Cancelled pushes whose turn has not come yet, per app."""
CANCEL = Script.load("cancel")


class Fate(StrEnum):
    """What a cancellation achieved."""

    CANCELLED = "cancelled"
    MARKED = "marked"
    TOO_LATE = "too_late"
    UNKNOWN_ID = "unknown_id"


_WORDS = {
    Fate.CANCELLED: "it never left, and will not",
    Fate.MARKED: "it will not be sent when its turn comes; if it is in flight just now, it may still be",
    Fate.TOO_LATE: "it has an outcome already: nothing was changed",
    Fate.UNKNOWN_ID: "nothing is known of such a push (any more): nothing was changed",
}


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The answer to `Producer.cancel`. `state` is where the push stands now: `PENDING` while it is only marked."""

    push_id: str
    app: str
    fate: Fate
    state: State

    @property
    def is_effective(self) -> bool:
        """Whether the push will not be sent from here on; one in flight just now may still arrive."""
        return self.fate in (Fate.CANCELLED, Fate.MARKED)

    @property
    def meaning(self) -> str:
        """What the fate says, in words."""
        return _WORDS[self.fate]


class TooManyCancellations(PushError):
    """As many cancelled pushes as are remembered wait for their turn; this one was not cancelled."""

    def __init__(self, app: str, limit: int = MARKS_KEPT) -> None:
        super().__init__(app, limit)
        self.app = app
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"app {self.app!r} has {self.limit} cancelled pushes whose turn has not come, and remembers no more; "
            "nothing was changed: pause the app with pushctl, or try again when the workers have come to them"
        )


def cancel_push(redis: DeadlineRedis, profile: Profile, push_id: str, *, marks_kept: int = MARKS_KEPT) -> Cancellation:
    """Cancel one push of the app of `profile`. Cancelling twice is cancelling once.

    Raises:
        InvalidPush: `push_id` has not the form of an id.
        TooManyCancellations: nothing was changed.
        CommandUnanswered: cancel again.
    """
    if not isinstance(push_id, str) or not ids.is_push_id(push_id):
        raise InvalidPush("push_id", "must have the 24 characters that a receipt shows")
    ref = _slot_of(redis, profile.app, push_id)
    if not ref:
        return Cancellation(push_id, profile.app, Fate.UNKNOWN_ID, State.ABSENT)
    bucket, index = ids.read_ref(ref)
    arguments = (push_id, bucket, index * SLOT_BYTES, profile.outcome_seconds, marks_kept)
    with changing([push_id]):
        reply = redis.run(CANCEL, keys.prefix(profile.app), arguments)
    match reply[0]:
        case b"cancelled":
            return Cancellation(push_id, profile.app, Fate.CANCELLED, State.CANCELLED)
        case b"marked":
            return Cancellation(push_id, profile.app, Fate.MARKED, State.PENDING)
        case b"full":
            raise TooManyCancellations(profile.app, marks_kept)
        case _:
            return _settled(push_id, profile.app, State(int(reply[1])))


def _slot_of(redis: DeadlineRedis, app: str, push_id: str) -> str:
    if not ids.is_derived(push_id):
        return ids.slot_ref(push_id)
    with reading():
        record = redis.call("GET", keys.idempotency(app, push_id))
    return record[-ids.REF_LENGTH :].decode() if record else ""


def _settled(push_id: str, app: str, state: State) -> Cancellation:
    if state is State.CANCELLED:
        return Cancellation(push_id, app, Fate.CANCELLED, state)
    if state.is_outcome:
        return Cancellation(push_id, app, Fate.TOO_LATE, state)
    return Cancellation(push_id, app, Fate.UNKNOWN_ID, State.ABSENT)
