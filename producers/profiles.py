"""What the workers say of each app, kept for a short while so that a send needs no extra round trip."""

import time
from dataclasses import dataclass, field
from threading import Lock

from . import keys
from .connection import DeadlineRedis
from .contract import Lane
from .errors import UnknownApp

_FRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Profile:
    """An app as its workers registered it. Durations are milliseconds unless named."""

    app: str
    apns_production: bool | None
    urgent_max_age_ms: int
    transactional_max_age_ms: int
    outcome_seconds: int
    pending_max: int = 5_000_000
    allows_broadcast: bool = False
    has_group: bool = False

    def max_age_ms(self, lane: Lane) -> int:
        """How long a push may wait on `lane` before it expires."""
        return self.urgent_max_age_ms if lane is Lane.URGENT else self.transactional_max_age_ms

    @classmethod
    def read(cls, app: str, fields: dict[bytes, bytes]) -> "Profile":
        """From the hash that the workers write."""
        environment = fields.get(b"apns_production", b"")
        return cls(
            app,
            bool(int(environment)) if environment else None,
            int(fields.get(b"urgent_max_age_ms", 600_000)),
            int(fields.get(b"transactional_max_age_ms", 86_400_000)),
            int(fields.get(b"outcome_seconds", 90_000)),
            int(fields.get(b"pending_max", 5_000_000)),
            fields.get(b"allows_broadcast") == b"1",
            fields.get(b"has_group") == b"1",
        )


@dataclass(slots=True)
class Profiles:
    """Profiles by app, each at most 30 s old. Safe for threads."""

    redis: DeadlineRedis
    _kept: dict[str, tuple[float, Profile]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, app: str) -> Profile:
        """The profile of `app`. Raises `UnknownApp`, or `Unanswered` of the connection."""
        kept = self._kept.get(app)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        fields = self.redis.call("HGETALL", keys.profile(app))
        if not fields:
            self.forget(app)
            raise UnknownApp(app, known=self.known())
        profile = Profile.read(app, as_mapping(fields))
        with self._lock:
            self._kept[app] = (time.monotonic() + _FRESH_SECONDS, profile)
        return profile

    def forget(self, app: str) -> None:
        """Ask again at the next send."""
        with self._lock:
            self._kept.pop(app, None)

    def known(self) -> list[str]:
        """The names of all registered apps."""
        return sorted(name.decode() for name in self.redis.call("SMEMBERS", keys.APPS))


def as_mapping(reply: object) -> dict[bytes, bytes]:
    """A hash as Redis answers it: a mapping under RESP3, a flat list under RESP2."""
    if isinstance(reply, dict):
        return reply
    parts = list(reply)  # type: ignore[call-overload]  # RESP2: a list of field, value, field …
    return dict(zip(parts[0::2], parts[1::2], strict=True))
