"""`notification` and `message` (API reference, sections 2.1.3 to 2.1.6).

Types are checked for every field; ranges only where EngageLab's own material (grade A or B) gives them.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import ApiError
from sandbox.rules import fields as f

_COMMON: dict[str, f.Types] = {"alert": f.TEXT_OR_OBJECT, "android": f.OBJECT, "ios": f.OBJECT, "hmos": f.OBJECT}
ANDROID_TEXTS = frozenset(
    [
        "alert",
        "title",
        "channel_id",
        "category",
        "big_text",
        "big_pic_path",
        "large_icon",
        "small_icon",
        "sound",
        "badge_class",
        "display_foreground",
        "group_id",
    ]
)
_ANDROID: dict[str, f.Types] = {
    **dict.fromkeys(ANDROID_TEXTS, f.TEXT),
    "alert": f.TEXT_OR_OBJECT,
    **dict.fromkeys(("builder_id", "priority", "style", "badge_add_num", "badge_set_num"), f.WHOLE),
    **dict.fromkeys(("inbox", "extras", "intent"), f.OBJECT),
    "is_fold": f.FLAG,
}
_IOS: dict[str, f.Types] = {
    **dict.fromkeys(("alert", "sound"), f.TEXT_OR_OBJECT),
    "badge": f.TEXT_OR_WHOLE,
    **dict.fromkeys(("content-available", "mutable-content"), f.FLAG),
    **dict.fromkeys(("category", "thread-id", "interruption-level"), f.TEXT),
    "extras": f.OBJECT,
}
_HMOS: dict[str, f.Types] = {
    **dict.fromkeys(
        ["alert", "title", "category", "large_icon", "receipt_id", "extra_data", "display_foreground"], f.TEXT
    ),
    **dict.fromkeys(("badge_add_num", "badge_set_num", "style", "push_type"), f.WHOLE),
    **dict.fromkeys(("intent", "extras"), f.OBJECT),
    "test_message": f.FLAG,
    "inbox_content": f.ARRAY,
}
_MESSAGE: dict[str, f.Types] = {
    "msg_content": f.TEXT_OR_OBJECT,
    **dict.fromkeys(("title", "content_type", "receipt_id"), f.TEXT),
    "extras": f.OBJECT,
    "test_message": f.FLAG,
}
_MULTI_LINE = 3
_INBOX_MAX = 3
_PLAIN, _EXTENDED, _VOIP_CALL = 0, 2, 10


def check_notification(value: Any, unknown: str) -> None:
    """Refuse a malformed notification; `unknown` is the setting `unknown_fields`."""
    notification = f.check_fields(value, _COMMON, "notification", unknown)
    if not notification:
        raise ApiError(21002, "notification is empty")
    if "android" in notification:
        android = f.check_fields(notification["android"], _ANDROID, "android", unknown)
        f.check_choice(android, "display_foreground", ("0", "1"), "android")
        _check_intent(android)
    if "ios" in notification:
        f.check_fields(notification["ios"], _IOS, "ios", unknown)
    if "hmos" in notification:
        _check_hmos(f.check_fields(notification["hmos"], _HMOS, "hmos", unknown))


def _check_hmos(hmos: Mapping[str, Any]) -> None:
    f.require(hmos, "alert", "hmos")
    f.check_range(hmos, "badge_add_num", 1, 99, "hmos")
    f.check_range(hmos, "badge_set_num", 0, 99, "hmos")
    f.check_choice(hmos, "style", (0, _MULTI_LINE), "hmos")
    f.check_choice(hmos, "push_type", (_PLAIN, _EXTENDED, _VOIP_CALL), "hmos")
    f.check_choice(hmos, "display_foreground", ("0", "1"), "hmos")
    _check_intent(hmos)
    if hmos.get("style") == _MULTI_LINE:
        f.require(hmos, "inbox_content", "hmos")
    if len(hmos.get("inbox_content", [])) > _INBOX_MAX:
        raise ApiError(21003, f"hmos.inbox_content holds at most {_INBOX_MAX}")
    if hmos.get("push_type", _PLAIN) != _PLAIN:
        f.require(hmos, "extra_data", "hmos")


def _check_intent(platform: Mapping[str, Any]) -> None:
    if "intent" in platform:
        f.check_type(f.require(platform["intent"], "url", "intent"), f.TEXT, "intent.url")


def check_message(value: Any, unknown: str) -> None:
    """Refuse a malformed custom message."""
    message = f.check_fields(value, _MESSAGE, "message", unknown)
    if f.require(message, "msg_content", "message") in ("", {}):
        raise ApiError(21002, "message.msg_content is empty")


def has_alert(notification: Mapping[str, Any]) -> bool:
    """Whether any platform has a text to show."""
    places = [notification, *(notification[key] for key in ("android", "ios", "hmos") if key in notification)]
    return any(place.get("alert") for place in places)
