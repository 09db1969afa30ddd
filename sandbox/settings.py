"""What can be switched in the sandbox. Each undocumented behaviour is a field here, with its default in one place."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin

QuotaShape = Literal["fixed", "sliding", "bucket"]

DEMO_APP_KEY = "5a4db0a9900000000000c0de"
DEMO_MASTER_SECRET = "5ec4e75a4db0a9900000c0de"  # noqa: S105 - a published demo credential of a local server
DEMO_GROUP_KEY = "96009a4db0a990000000c0de"
DEMO_GROUP_SECRET = "5ec4e796009a4db0a990c0de"  # noqa: S105 - as above


@dataclass(frozen=True, slots=True)
class Settings:
    """Behaviour of the whole sandbox. Replaced as a whole by the control API, never changed in place."""

    quota: int = 500
    """Units per second of each AppKey; 0 = unlimited. Standard limit 500 (grade A)."""
    quota_shape: QuotaShape = "fixed"
    """Window of the quota (unknown): calendar second, exact trailing second, or token bucket."""
    quota_scope: Literal["all", "push"] = "all"
    """Which operations are metered (unknown beyond "our API"): all of them, or sends and validation alone."""
    throttle_status: Literal[400, 429] = 400
    """HTTP status of 23008 (discrepancy 3 of the reference)."""
    list_push_units: int = 1
    """Units of a push to a list of registration ids (unknown)."""
    list_push_max: int = 1000
    """Most registration ids or aliases of one push (grade A for alias, W for registration ids)."""
    list_unknown: Literal["drop", "refuse"] = "drop"
    """A list push with some unknown ids (unknown): deliver to the known ones, or refuse it with 20101."""
    latency_ms: float = 0.0
    """Wait between the effect of a call and its answer, milliseconds."""
    cid_memory: Literal["on", "off"] = "on"
    """Whether a repeated cid is recognised (documented: on)."""
    cid_seconds: float = 3600.0
    """Life of a cid on the sandbox clock (grade A: one hour)."""
    cid_scope: Literal["app", "endpoint"] = "app"
    """Whether the cid memory is shared by all endpoints of an AppKey (unknown; the wording says AppKey)."""
    cid_hits_cost: Literal["on", "off"] = "on"
    """Whether a push answered from the cid memory costs units (unknown)."""
    group_cid: Literal["off", "on"] = "off"
    """Whether group push honours the cid (unknown; off is the careful assumption)."""
    mixed_payload: Literal["21306", "21036", "allow"] = "21306"
    """Answer to notification and message together (discrepancy 5)."""
    unknown_fields: Literal["accept", "refuse"] = "accept"
    """Fields the reference does not know: passed through, or refused with 21015."""
    alias_charset: Literal["documented", "any"] = "documented"
    """Characters of an alias: letters, digits, underscore, Chinese (grade A), or any."""
    p8_certificate: Literal["on", "off"] = "on"
    """Whether the apps have the certificate that live activities need (off: 21055)."""


def with_changes(settings: Settings, changes: dict[str, Any]) -> Settings:
    """A copy with the named fields changed. Raises ValueError naming the field that is unknown or out of range."""
    known = {field.name: field.type for field in fields(settings)}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
        _check(name, known[name], value)
    return replace(settings, **changes)


def _check(name: str, kind: Any, value: Any) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind) or isinstance(value, bool):
            raise ValueError(f"{name} must be one of {list(get_args(kind))}, not {value!r}")
    elif isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else int) or value < 0:
        raise ValueError(f"{name} must be a number of at least 0, not {value!r}")
