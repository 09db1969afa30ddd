"""The gate of an app: why its workers hold back, and what a person does about it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from . import keys
from .commands import changing, find_app, reading
from .connection import DeadlineRedis, Script
from .contract import LANE_CLASSES
from .errors import InvalidPush

NAME_LENGTH = 64
_PAUSED = re.compile(rb"(\d{1,15})\|(.*)", re.DOTALL)
PAUSE, RESUME, OVERVIEW = Script.load("pause"), Script.load("resume"), Script.load("overview")


@dataclass(frozen=True, slots=True)
class GateState:
    """Why an app is closed; all of it can hold at once, and none of it when the app is open.

    `credentials_refused` concerns workers with the refused credentials; the next probe is theirs.
    """

    paused_by: str | None = None
    paused_since: datetime | None = None
    throttled_until: datetime | None = None
    credentials_refused: bool = False
    next_probe_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing holds the workers back."""
        return self == GateState()

    @classmethod
    def read(cls, now_ms: int, paused: bytes, credentials: bytes, throttled: bytes) -> Self:
        """From the fields of the hash; empty ones are not there."""
        since = _PAUSED.fullmatch(paused)
        who = (since[2] if since else paused).decode(errors="replace")
        until = int(throttled) if throttled else 0
        return cls(
            who if paused else None,
            moment(int(since[1])) if since else None,
            moment(until) if until > now_ms else None,
            bool(credentials),
            moment(int(credentials.split(b"|")[0])) if credentials else None,
        )


@dataclass(frozen=True, slots=True)
class Overview:
    """One look at an app, as far as Redis alone tells.

    `pending_at_most` counts also what was settled a moment ago and not yet trimmed; `sums` are running ones, such as
    `enqueued` and each outcome; `cancelling` are cancelled pushes that are still remembered.
    """

    app: str
    gate: GateState
    pending_at_most: int
    dead: int
    asked: int
    cancelling: int
    sums: dict[str, int]

    @classmethod
    def read(cls, redis: DeadlineRedis, app: str) -> Self:
        """All of it in one moment. Raises `CommandUnanswered`."""
        with reading():
            reply = redis.run(OVERVIEW, keys.prefix(app), [])
        now_ms, pending, dead, asked, cancelling = map(int, reply[:5])
        sums = {name.decode(): int(value) for name, value in zip(reply[8::2], reply[9::2], strict=True)}
        return cls(app, GateState.read(now_ms, *reply[5:8]), pending, dead, asked, cancelling, sums)


class Gate:
    """The gate of one app. Every call may be repeated."""

    def __init__(self, redis: DeadlineRedis, app: str) -> None:
        self.app = app
        self._redis = redis

    def read(self) -> GateState:
        """Its state now. Raises `UnknownApp` or `CommandUnanswered`."""
        find_app(self._redis, self.app)
        return Overview.read(self._redis, self.app).gate

    def pause(self, by: str) -> bool:
        """Close the gate: nothing more is leased; calls in flight end. False: somebody else had paused it before.

        Raises:
            InvalidPush: field `by`, which must be a name of 1 to 64 printable characters.
            UnknownApp, CommandUnanswered
        """
        if not isinstance(by, str) or not 0 < len(by) <= NAME_LENGTH or not by.isprintable():
            raise InvalidPush("by", f"must be a name of 1 to {NAME_LENGTH} printable characters")
        find_app(self._redis, self.app)
        with changing():
            return bool(self._redis.run(PAUSE, keys.prefix(self.app), [by]))

    def resume(self) -> bool:
        """Open the gate for whom a person closed it, and probe refused credentials now. False: neither was the case.

        Raises:
            UnknownApp, CommandUnanswered
        """
        find_app(self._redis, self.app)
        with changing():
            return bool(self._redis.run(RESUME, keys.prefix(self.app), list(LANE_CLASSES.values())))


def moment(ms: int) -> datetime:
    """Unix milliseconds as a moment in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)
