"""`live_activity` (API reference, section 2.1.7)."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import ApiError
from sandbox.rules import fields as f
from sandbox.settings import Settings

_IOS: dict[str, f.Types] = {
    **dict.fromkeys(("event", "attributes-type"), f.TEXT),
    **dict.fromkeys(("content-state", "attributes", "alert"), f.OBJECT),
    **dict.fromkeys(("dismissal-date", "stale-date", "apns-priority"), f.WHOLE),
    "relevance-score": f.NUMBER,
}


def check_live_activity(value: Any, to: Any, settings: Settings) -> None:
    """Refuse with the documented 2105x codes. `to` matters: a start goes to all or to registration ids."""
    activity = f.check_fields(value, {"ios": f.OBJECT}, "live_activity", settings.unknown_fields)
    ios = f.check_fields(
        f.require(activity, "ios", "live_activity"), _IOS, "live_activity.ios", settings.unknown_fields
    )
    if ios.get("event") not in ("start", "update", "end"):
        raise ApiError(21050)
    if ios["event"] == "start":
        _check_start(ios, to)
    if not ios.get("content-state"):
        raise ApiError(21053)
    f.check_range(ios, "relevance-score", 1, 100, "live_activity.ios")
    f.check_choice(ios, "apns-priority", (5, 10), "live_activity.ios")
    if settings.p8_certificate == "off":
        raise ApiError(21055)


def _check_start(ios: Mapping[str, Any], to: Any) -> None:
    if to != "all" and [key for key in to if to[key]] != ["registration_id"]:
        raise ApiError(21051)
    if not ios.get("attributes-type"):
        raise ApiError(21052)
