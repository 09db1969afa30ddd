"""The registry of every Redis key: name, type, owner, bound and price.

All keys of an app carry the hash tag `{app}`, so that a script touches one slot only. `<lane>` is a lane name, `<kind>`
one of `producers.contract.Kind`. Prices are bytes of Redis memory, measured with `MEMORY USAGE` where a figure stands.
"""

import re
from dataclasses import dataclass

APPS = "push:apps"
APP_NAME = re.compile("[a-z][a-z0-9_-]{0,31}")


def prefix(app: str) -> str:
    """What every key of `app` starts with; the scripts build names from it."""
    return f"push:{{{app}}}:"


def profile(app: str) -> str:
    """Hash: what workers tell producers of an app. Its existence makes the app known."""
    return prefix(app) + "profile"


def bucket(app: str, name: str) -> str:
    """String of 16-byte outcome slots."""
    return prefix(app) + "slots:" + name


def idempotency(app: str, push_id: str) -> str:
    """String: content digest and slot reference of a derived push id."""
    return prefix(app) + "idem:" + push_id


def codes(app: str) -> str:
    """Hash: vendor code → its last message."""
    return prefix(app) + "codes"


def detail(app: str, push_id: str) -> str:
    """String: JSON of what does not fit into a slot."""
    return prefix(app) + "detail:" + push_id


def gate(app: str) -> str:
    """Hash: why the app is closed, and until when."""
    return prefix(app) + "gate"


def probing(app: str) -> str:
    """String: a probe of refused credentials runs."""
    return prefix(app) + "probing"


def letters(app: str, shelf: str) -> str:
    """Stream: pushes that wait for a person, on the shelf `dead` or `asked`."""
    return prefix(app) + shelf


def full(app: str) -> str:
    """String: Redis is near its memory limit."""
    return prefix(app) + "full"


def bell(app: str, lane_class: str) -> str:
    """List of at most one element: work waits for a slice of this class."""
    return prefix(app) + "bell:" + lane_class


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One row of the registry."""

    pattern: str
    type: str
    owner: str
    holds: str
    bound: str
    price: str

    def matches(self, key: str) -> bool:
        """Whether a concrete key name belongs to this row."""
        return _regex(self.pattern).fullmatch(key) is not None


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"<\w+>", "[^:}]+", re.escape(pattern)))


_APP = "push:{<app>}:"

REGISTRY: tuple[KeySpec, ...] = (
    KeySpec(APPS, "set", "worker", "names of the registered apps", "one element per app", "60 B per app"),
    KeySpec(_APP + "profile", "hash", "worker", "what producers must know of the app", "one per app", "150 B"),
    KeySpec(
        _APP + "lane:<lane>:<kind>",
        "stream",
        "producer",
        "pending pushes, trimmed behind the lowest live lease",
        "pending_max per app",
        "350 B per send of 300 B",
    ),
    KeySpec(
        _APP + "again:<lane>:<kind>", "stream", "worker", "retries that came due", "pending pushes", "as a send, + 30 B"
    ),
    KeySpec(
        _APP + "later:<lane>:<kind>",
        "zset",
        "worker",
        "push id → due time of a delayed retry",
        "pending pushes",
        "110 B per delayed push",
    ),
    KeySpec(
        _APP + "body:<lane>:<kind>",
        "hash",
        "worker",
        "push id → entry of a delayed retry",
        "pending pushes",
        "as a send, + 90 B",
    ),
    KeySpec(
        _APP + "state",
        "hash",
        "worker",
        "per stream: cursor, passed entries, last call start, and ahead (a passed expired range); waiter per class",
        "a few fields per stream",
        "60 B per field",
    ),
    KeySpec(
        _APP + "leases",
        "hash",
        "worker",
        "token → range, count, first_attempt_at, take-overs, units",
        "open slots",
        "150 B per live lease",
    ),
    KeySpec(_APP + "deadlines", "zset", "worker", "token → deadline of a live lease", "open slots", "90 B per lease"),
    KeySpec(
        _APP + "open:<class>",
        "zset",
        "worker",
        "open slots of push.deliver → when they lapse",
        "delivery.slots per class",
        "90 B per slot",
    ),
    KeySpec(_APP + "bell:<class>", "list", "producer", "work waits for a slice of this class", "one element", "70 B"),
    KeySpec(_APP + "swept", "string", "worker", "the sweep of this tick is taken", "one, life 0.9 s", "70 B"),
    KeySpec(_APP + "quota", "hash", "worker", "rate at hand, sum of the window, pacing clock", "five fields", "200 B"),
    KeySpec(
        _APP + "window",
        "list",
        "worker",
        "grants of the sliding window: time and units",
        "one per 5 ms of the window",
        "20 B per grant",
    ),
    KeySpec(_APP + "gate", "hash", "worker", "why the app is closed, and until when", "four fields", "150 B"),
    KeySpec(_APP + "counts", "hash", "producer", "running sums: enqueued and each outcome", "twenty fields", "700 B"),
    KeySpec(
        _APP + "cancelled",
        "zset",
        "producer",
        "push id → when a pending push was cancelled; its turn has not come yet",
        "cancellations of the last outcome_retention_hours, 100,000",
        "90 B per cancelled push",
    ),
    KeySpec(_APP + "full", "string", "worker", "Redis is near its memory limit", "one, life 3 s", "70 B"),
    KeySpec(_APP + "probing", "string", "worker", "a probe of refused credentials runs", "one, life 10 s", "70 B"),
    KeySpec(
        _APP + "asked",
        "stream",
        "worker",
        "pushes with an unknown outcome, kept for a person to decide",
        "10,000",
        "as a send, + 150 B",
    ),
    KeySpec(
        _APP + "detail:<push_id>",
        "string",
        "worker",
        "what fits no slot: a group push in each app, a msg_id that is no number",
        "group pushes of the last outcome_retention_hours",
        "300 B per group push",
    ),
    KeySpec(
        _APP + "slots:<bucket>",
        "string",
        "producer",
        "outcome slots, 16 B each",
        "pushes of the last outcome_retention_hours",
        "18 B per push; 43 million pushes a day: 0.8 GB",
    ),
    KeySpec(
        _APP + "idem:<push_id>",
        "string",
        "producer",
        "content digest and slot of an idempotency key",
        "keyed pushes of the last outcome_retention_hours",
        "170 B per keyed push",
    ),
    KeySpec(_APP + "codes", "hash", "worker", "vendor code → its last message", "256 fields", "100 B per code"),
    KeySpec(
        _APP + "dead", "stream", "worker", "dead letters", "dead_letters_max, dead_letter_days", "as a send, + 150 B"
    ),
    KeySpec(
        "push:strays",
        "stream",
        "worker",
        "Celery messages that name no known app or task",
        "1,000 entries",
        "size of the message, 4 KB at most",
    ),
)


def spec_of(key: str) -> KeySpec | None:
    """The registry row of a concrete key; `None` for a key that nobody declared."""
    return next((spec for spec in REGISTRY if spec.matches(key)), None)
