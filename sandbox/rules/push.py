"""A whole push request (API reference, section 2.1), checked in one order: shape, payload, options, audience."""

from dataclasses import dataclass
from typing import Any

from sandbox.errors import ApiError
from sandbox.population import IOS, PLATFORM_BITS
from sandbox.rules import fields as f
from sandbox.rules.audience import check_audience
from sandbox.rules.live_activity import check_live_activity
from sandbox.rules.notification import check_message, check_notification
from sandbox.rules.options import check_options
from sandbox.settings import Settings

BODY_MAX_BYTES = 4000
_CUSTOM_ARGS_MAX = 128
_PAYLOADS = ("notification", "message", "live_activity", "voip")
_REQUEST: dict[str, f.Types] = {
    "from": f.TEXT,
    "to": f.TEXT_OR_OBJECT,
    "body": f.OBJECT,
    "request_id": f.TEXT,
    "custom_args": f.TEXT_OR_OBJECT,
}
_BODY: dict[str, f.Types] = {
    "platform": (str, list),
    **dict.fromkeys((*_PAYLOADS, "options"), f.OBJECT),
}


@dataclass(frozen=True, slots=True)
class CheckedPush:
    """A push that the API would take, if somebody is there and the quota allows."""

    to: Any
    platforms: int
    """Bits of `population.PLATFORM_BITS`."""
    content: int
    """Hash of the payload, to recognise the same text on the same device."""
    options: dict[str, Any]
    request_id: str

    @property
    def cid(self) -> str | None:
        """The idempotency key, if the push has one."""
        return self.options.get("cid")


def check_push(request: dict[str, Any], settings: Settings) -> CheckedPush:
    """Refuse a malformed push with its documented code."""
    f.check_fields(request, _REQUEST, "request", settings.unknown_fields)
    to = f.require(request, "to", "")
    body = f.check_fields(f.require(request, "body", ""), _BODY, "body", settings.unknown_fields)
    platforms = platforms_of(f.require(body, "platform", "body"))
    check_audience(to, settings)
    content = check_payload(body, settings)
    _check_ios_only(body, platforms, to, settings)
    options = check_options(body.get("options", {}), body, settings.unknown_fields)
    check_custom_args(request.get("custom_args", ""))
    return CheckedPush(to, platforms, content, options, request.get("request_id", ""))


def platforms_of(platform: Any) -> int:
    """Bits of `"all"`, one platform, or an array of platforms."""
    names = platform if isinstance(platform, list) else [platform]
    bits = 0
    for name in names:
        f.check_type(name, f.TEXT, "platform")
        if name not in PLATFORM_BITS:
            raise ApiError(21003, f"platform {name!r}")
        bits |= PLATFORM_BITS[name]
    if not bits:
        raise ApiError(21002, "platform is empty")
    return bits


def check_payload(body: dict[str, Any], settings: Settings) -> int:
    """Exactly one payload, well formed, at most 4000 bytes. Returns a hash of it."""
    present = [name for name in _PAYLOADS if name in body]
    if not present:
        raise ApiError(21002, "no notification, message, live_activity or voip")
    if len(present) > 1:
        _check_together(present, settings)
    if "notification" in body:
        check_notification(body["notification"], settings.unknown_fields)
    if "message" in body:
        check_message(body["message"], settings.unknown_fields)
    payload = [body[name] for name in present]
    if sum(map(f.size_of, payload)) > BODY_MAX_BYTES:
        raise ApiError(21005)
    return hash(repr(payload))


def _check_together(present: list[str], settings: Settings) -> None:
    for name, code in (("live_activity", 21054), ("voip", 21057)):
        if name in present:
            raise ApiError(code)
    if settings.mixed_payload != "allow":
        raise ApiError(int(settings.mixed_payload))


def _check_ios_only(body: dict[str, Any], platforms: int, to: Any, settings: Settings) -> None:
    for name, code in (("live_activity", 21056), ("voip", 21058)):
        if name in body and platforms != IOS:
            raise ApiError(code)
    if "live_activity" in body:
        check_live_activity(body["live_activity"], to, settings)
    if "voip" in body and not body["voip"]:
        raise ApiError(21002, "voip is empty")


def check_custom_args(value: Any) -> None:
    """At most 128 characters; an object is measured as compact JSON (assumption)."""
    f.check_type(value, f.TEXT_OR_OBJECT, "custom_args")
    length = len(value) if isinstance(value, str) else f.size_of(value) if value else 0
    if length > _CUSTOM_ARGS_MAX:
        raise ApiError(21016, f"custom_args is longer than {_CUSTOM_ARGS_MAX} characters")
