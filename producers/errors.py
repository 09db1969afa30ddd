"""What can go wrong when an application enqueues a push, grouped by what the caller does next.

    PushError
    ├── InvalidPush          correct the named field; nothing was stored
    ├── UnknownApp           correct the app name, or start a worker that serves it
    ├── IdempotencyConflict  same key, other content: choose another key
    ├── QueueFull            slow down and try again; nothing was stored
    └── BrokerUnavailable    send again with the same push_id; may have been stored

Messages never hold credentials, bodies, or whole registration ids, aliases and idempotency keys.
Every error survives pickling, because Celery carries exceptions between processes.
"""

from collections.abc import Iterable

SHOWN_CHARACTERS = 6
SHOWN_APP_NAME = 40
ELLIPSIS = "…"


def shortened(value: str) -> str:
    """The first characters of an identifier, enough to recognise it and too few to use it.

    Shortening twice changes nothing. Values of six characters or fewer show their first half.
    """
    if value.endswith(ELLIPSIS) and len(value) <= SHOWN_CHARACTERS + 1:
        return value
    shown = SHOWN_CHARACTERS if len(value) > SHOWN_CHARACTERS else len(value) // 2
    return value[:shown] + ELLIPSIS


class PushError(Exception):
    """Base of everything that this package raises on purpose."""


class InvalidPush(PushError):
    """The push breaks a rule; nothing was enqueued.

    `field` is the dotted API path or the argument name, such as `notification.android.extras.when`;
    `reason` says what is wrong and what to do.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class UnknownApp(PushError):
    """No worker has registered an app of this name. `known` lists the registered names."""

    def __init__(self, app: str, known: Iterable[str] = ()) -> None:
        self.app = app[:SHOWN_APP_NAME]
        self.known = tuple(sorted(known))
        super().__init__(self.app, self.known)

    def __str__(self) -> str:
        known = ", ".join(self.known) or "none"
        return (
            f"no app {self.app!r} (known: {known}); correct the name, or configure "
            f"PUSH_APPS__{self.app}__APP_KEY and start a worker, which registers its apps"
        )


class IdempotencyConflict(PushError):
    """The idempotency key already belongs to a push with other content.

    `push_id` is that first push; `key` is kept in its shortened form only.
    """

    def __init__(self, push_id: str, key: str) -> None:
        self.push_id = push_id
        self.key = shortened(key)
        super().__init__(self.push_id, self.key)

    def __str__(self) -> str:
        return (
            f"idempotency key {self.key} was already used for push {self.push_id} with other content; "
            "nothing was enqueued: repeat the first content, or choose another key"
        )


class QueueFull(PushError):
    """The app has too much pending, or Redis no memory left; nothing was enqueued.

    `pending` and `limit` are in pushes; both are None when it is the memory.
    """

    def __init__(self, app: str, pending: int | None = None, limit: int | None = None) -> None:
        super().__init__(app, pending, limit)
        self.app = app
        self.pending = pending
        self.limit = limit

    def __str__(self) -> str:
        if self.limit is None:
            return (
                f"Redis has no memory left for app {self.app!r}; nothing was enqueued: see `maxmemory`, and try again"
            )
        return (
            f"app {self.app!r} has {self.pending} pending pushes and may have {self.limit}; "
            "nothing was enqueued: wait for the workers, or add some, and try again"
        )


class BrokerUnavailable(PushError):
    """Redis did not answer in time.

    `maybe_stored` is False when the push certainly did not arrive, True when it may have, and None when only its
    status was asked for. In every case, sending again with the same push_id is safe: a stored push is met, not doubled.
    """

    def __init__(self, push_ids: Iterable[str], maybe_stored: bool | None) -> None:
        self.push_ids = tuple(push_ids)
        self.maybe_stored = maybe_stored
        super().__init__(self.push_ids, maybe_stored)

    @property
    def push_id(self) -> str | None:
        """The push concerned; the first one when several went together."""
        return self.push_ids[0] if self.push_ids else None

    def __str__(self) -> str:
        if not self.push_ids:
            return "Redis did not answer; nothing was stored: send again"
        subject = f"push {self.push_id}" if len(self.push_ids) == 1 else f"{len(self.push_ids)} pushes"
        if self.maybe_stored is None:
            return f"Redis did not answer; where {subject} stands is not known just now: ask again"
        state = "may have been stored" if self.maybe_stored else "not stored"
        return f"Redis did not answer; {subject} {state}: sending again with the same push_id is safe"
