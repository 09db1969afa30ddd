"""Limits that the EngageLab App Push documentation does not confirm.

They come from Web Push of the same vendor (grade W), from JPush (J) or from field reports (F). They are not enforced
unless `Limits(strict_weak=True)` is passed: refusing what the API would accept is worse than its own answer.
Limits of grade A and B are part of the models and always enforced.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidPush
from .base import VendorModel

WEB_PUSH_NOTIFICATION_BYTES = 2048
FIFTEEN_DAYS = 15 * 86400
DISTRIBUTIONS = frozenset(("first_ospush", "mtpush", "secondary_push", "ospush"))
INTERRUPTION_LEVELS = frozenset(("active", "critical", "passive", "time-sensitive"))
LANGUAGES = frozenset(
    re.findall(
        "[A-Za-z-]+",
        "en ar zh-Hans zh-Hant cs da nl fr de hi it ja ko ms ru es th vi id no sv pl tr he pt ro hu fi el",
    )
)
_badge = re.compile(r"[+-]?[0-9]{1,2}|").fullmatch

Test = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Limits:
    """Which limits refuse a push: those of grade A and B always, the weaker ones only if `strict_weak`."""

    strict_weak: bool = False


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class WeakLimit:
    """One unconfirmed limit. `holds(value, parent)` tells whether a value that is present keeps it."""

    field: str
    grade: str
    rule: str
    holds: Test


def _between(low: int, high: int) -> Test:
    return lambda value, _: low <= value <= high


def _one_of(allowed: Iterable[object]) -> Test:
    known = frozenset(allowed)
    return lambda value, _: value in known


def _bytes(most: int) -> Test:
    return lambda value, _: len(str(value).encode("utf-8", "replace")) <= most


def _json_bytes(most: int) -> Test:
    return lambda value, _: len(value.model_dump_json(by_alias=True, exclude_none=True)) <= most


def _entries(most: int) -> Test:
    return lambda value, _: len(value) <= most


def _style(number: int) -> Test:
    return lambda _, parent: parent.style == number


def _distributions(channels: dict[str, Any], _: Any) -> bool:
    return all(c.get("distribution", "mtpush") in DISTRIBUTIONS for c in channels.values() if isinstance(c, dict))


WEAK_LIMITS = (
    WeakLimit("notification", "W", "at most 2048 bytes of JSON", _json_bytes(WEB_PUSH_NOTIFICATION_BYTES)),
    WeakLimit("notification.android.channel_id", "J", "at most 1000 bytes", _bytes(1000)),
    WeakLimit("notification.android.priority", "J", "from -2 to 2", _between(-2, 2)),
    WeakLimit("notification.android.style", "J", "0, 1, 2 or 3", _between(0, 3)),
    WeakLimit("notification.android.big_text", "J", "only with style 1", _style(1)),
    WeakLimit("notification.android.inbox", "J", "only with style 2", _style(2)),
    WeakLimit("notification.android.big_pic_path", "J", "only with style 3", _style(3)),
    WeakLimit("notification.android.badge_add_num", "J", "from 1 to 99", _between(1, 99)),
    WeakLimit("notification.android.badge_set_num", "J", "from 0 to 99", _between(0, 99)),
    WeakLimit("notification.ios", "J", "at most 2000 bytes of JSON", _json_bytes(2000)),
    WeakLimit(
        "notification.ios.badge", "J", "a number up to 99, '+N' or '-N'", lambda badge, _: bool(_badge(str(badge)))
    ),
    WeakLimit(
        "notification.ios.interruption-level",
        "J",
        "active, critical, passive or time-sensitive",
        _one_of(INTERRUPTION_LEVELS),
    ),
    WeakLimit("options.time_to_live", "W", "at most 15 days (1296000)", _between(0, FIFTEEN_DAYS)),
    WeakLimit("options.apns_collapse_id", "J", "at most 64 bytes", _bytes(64)),
    WeakLimit("options.classification", "J", "0 or 1", _between(0, 1)),
    WeakLimit("options.multi_language", "F", "known language codes only", lambda texts, _: texts.keys() <= LANGUAGES),
    WeakLimit(
        "options.third_party_channel",
        "W",
        "distribution first_ospush, mtpush, secondary_push or ospush",
        _distributions,
    ),
    WeakLimit("to.registration_id", "W", "at most 1000 entries", _entries(1000)),
    WeakLimit("to.tag", "J", "at most 20 entries", _entries(20)),
    WeakLimit("to.tag_and", "J", "at most 20 entries", _entries(20)),
    WeakLimit("to.tag_not", "J", "at most 20 entries", _entries(20)),
)
"""Every limit that `strict_weak` enforces, with its grade."""


def enforce_weak_limits(parts: Mapping[str, VendorModel | None]) -> None:
    """Check the parts of a push, by their top-level names, against every weak limit.

    Raises:
        InvalidPush: names the field, the rule and its grade.
    """
    for limit in WEAK_LIMITS:
        value, parent = _look_up(parts, limit.field)
        if value is not None and not limit.holds(value, parent):
            raise InvalidPush(limit.field, f"must be {limit.rule} (unconfirmed limit, grade {limit.grade})")


def _look_up(parts: Mapping[str, VendorModel | None], field: str) -> tuple[Any, Any]:
    first, *rest = field.split(".")
    value: Any = parts.get(first)
    parent: Any = None
    for name in rest:
        parent, value = value, getattr(value, name.replace("-", "_"), None)
    return value, parent
