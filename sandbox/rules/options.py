"""`options` (API reference, sections 2.1.8, 2.1.9 and 3)."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.errors import ApiError
from sandbox.rules import fields as f
from sandbox.rules.notification import has_alert

_OPTIONS: dict[str, f.Types] = {
    **dict.fromkeys(["apns_collapse_id", "voice_value", "plan_id"], f.TEXT),
    **dict.fromkeys(["time_to_live", "override_msg_id", "classification"], f.WHOLE),
    **dict.fromkeys(["apns_production", "enhanc_message", "auto_truncation"], f.FLAG),
    **dict.fromkeys(["multi_language", "third_party_channel"], f.OBJECT),
}
TTL_MAX_SECONDS = 15 * 86_400
_BIG_PUSH_MAX_MINUTES = 1440
_CID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,49}")
_DISTRIBUTIONS = ("first_ospush", "mtpush", "secondary_push", "ospush")


def check_options(value: Any, payload: Mapping[str, Any], unknown: str) -> dict[str, Any]:
    """Refuse malformed options. `payload` is the object that holds notification, message and so on."""
    options = _without(value, ("cid", "big_push_duration"))
    f.check_fields(options, _OPTIONS, "options", unknown)
    if "cid" in value:
        check_cid(value["cid"])
    if "big_push_duration" in value:
        _check_big_push(value["big_push_duration"], payload)
    f.check_range(options, "time_to_live", 0, TTL_MAX_SECONDS, "options")
    if "plan_id" in options and not _PLAN_ID.fullmatch(options["plan_id"]):
        raise ApiError(27303) if not options["plan_id"] else ApiError(21003, "options.plan_id")
    for language in options.get("multi_language", {}).values():
        f.check_type(language, f.OBJECT, "options.multi_language")
    _check_channels(options.get("third_party_channel", {}), payload)
    return dict(value)


def _without(value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    f.check_type(value, f.OBJECT, "options")
    return {key: content for key, content in value.items() if key not in keys}


def check_cid(cid: Any) -> None:
    """Refuse another form than 1 to 64 of letters, digits, `_` and `-` with 23003."""
    if type(cid) is not str or not _CID.fullmatch(cid):
        raise ApiError(23003)


def _check_big_push(minutes: Any, payload: Mapping[str, Any]) -> None:
    if "live_activity" in payload or "voip" in payload:
        raise ApiError(21059)
    if type(minutes) is not int or not 1 <= minutes <= _BIG_PUSH_MAX_MINUTES:
        raise ApiError(23006)


def _check_channels(channels: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    for vendor in channels.values():
        if isinstance(vendor, dict) and "distribution" in vendor:
            if vendor["distribution"] not in _DISTRIBUTIONS:
                raise ApiError(27009)
            if "notification" in payload and not has_alert(payload["notification"]):
                raise ApiError(27008)
