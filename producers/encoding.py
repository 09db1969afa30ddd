"""From a push to the bytes that go to the API: validated once, encoded once, joined per target.

The tail rule: `options` is the last member of an item and `body` the last of a request, `cid` ends the options, and
`time_to_live`, when given, follows it as the very last member: `…,"cid":"…","time_to_live":86400}}` and `…}}}`. So a
worker can shorten it by the time that a push has queued without reading the rest.

What exactly the vendor measures for its 4000 bytes (21005) is not documented. Measured here: the JSON in UTF-8 of the
notification or message object itself (their sum if both), without target, options and custom arguments.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidPush
from .models import check_alias, check_registration_id
from .models.audience import Audience
from .models.batch import BatchItem
from .models.fragments import (
    all_or_list,
    canonical_digest,
    check_size,
    checked_cid,
    custom_args_member,
    json_text,
    model_json,
    one_or_list,
    options_members,
    quoted,
)
from .models.limits import DEFAULT_LIMITS, Limits, enforce_weak_limits
from .models.message import LiveActivity, Message, Voip
from .models.notification import Notification
from .models.options import NO_OPTIONS, Options
from .models.payload import (
    Parts,
    Platform,
    can_reach_ios,
    check_audience,
    check_distribution,
    check_ios_environment,
    check_platform,
    read_parts,
    read_platform,
)

__all__ = [
    "Content",
    "SingleContent",
    "check_alias",
    "check_registration_id",
    "cid_of",
    "encode_batch_item",
    "encode_content",
    "encode_request",
    "time_to_live_of",
    "with_cid",
    "with_time_to_live",
]

_tail = re.compile(rb'","time_to_live":([0-9]{1,19})(\}{2,3})\Z')
_LONGEST_TAIL = 48
_cid_tail = re.compile(rb'"cid":"([A-Za-z0-9_-]{1,64})("(?:,"time_to_live":[0-9]{1,19})?\}{2,3})\Z')
_LONGEST_CID_TAIL = 128


@dataclass(frozen=True, slots=True)
class Content:
    """One content, ready to be joined with any number of targets into batch items.

    `ttl` is the time to live in seconds, if one was given; `platform` is `all`, or names joined by commas.
    """

    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)
    ttl: int | None
    platform: str
    _digest: list[str] = field(default_factory=list, repr=False, compare=False)

    def item(self, target: str, cid: str) -> bytes:
        """One complete batch item as JSON: `{"target":…,"platform":…,…,"options":{…,"cid":…}}`.

        The target must have passed `check_registration_id` or `check_alias`.

        Raises:
            InvalidPush: field `options.cid`, when it is not 1 to 64 of A-Z a-z 0-9 _ - (grade A, 23003).
        """
        return b"".join((b'{"target":', quoted(target).encode(), self.head, checked_cid(cid), self.tail))

    @property
    def digest(self) -> str:
        """32 hex digits that are equal for equal content, whatever the order of its keys; made on first use."""
        if not self._digest:
            self._digest.append(canonical_digest(self.item("-", "-")))
        return self._digest[0]


@dataclass(frozen=True, slots=True)
class SingleContent:
    """A push request that goes singly (POST /v4/push), complete but for its ids."""

    head: bytes = field(repr=False)
    middle: bytes = field(repr=False)
    tail: bytes = field(repr=False)
    ttl: int | None
    platform: str
    _digest: list[str] = field(default_factory=list, repr=False, compare=False)

    def request(self, cid: str, request_id: str) -> bytes:
        """The complete request as JSON: `{"from":…,"to":…,"custom_args":…,"request_id":…,"body":{…}}`.

        Raises:
            InvalidPush: field `options.cid` (grade A, 23003) or `request_id`.
        """
        echo = json_text(request_id, "request_id").encode()
        return b"".join((self.head, echo, self.middle, checked_cid(cid), self.tail))

    @property
    def digest(self) -> str:
        """As for `Content`; audience and sender included."""
        if not self._digest:
            self._digest.append(canonical_digest(self.request("-", "-")))
        return self._digest[0]


def encode_content(
    *,
    notification: Notification | dict[str, Any] | str | None = None,
    message: Message | dict[str, Any] | None = None,
    platform: str | list[str] | tuple[str, ...] = "all",
    options: Options | dict[str, Any] | None = None,
    custom_args: dict[str, Any] | str | None = None,
    apns_production: bool | None = None,
    limits: Limits = DEFAULT_LIMITS,
    allow_mixed: bool = False,
) -> Content:
    """Validate the content of sends and encode it.

    `apns_production` is the app's default for pushes that do not choose an iOS environment themselves.

    Raises:
        InvalidPush: names the field that breaks a rule.
    """
    parts = read_parts({"notification": notification, "message": message}, allow_mixed)
    body = _Body(parts, read_platform(platform), _read_options(options), limits)
    start, end = body.encode(apns_production, one_or_list)
    # `options` must end the item, so the custom arguments go before the platform.
    head = b"," + custom_args_member(custom_args) + start
    return Content(head, end + b"}", body.options.time_to_live, str(body.platform))


def encode_batch_item(
    item: BatchItem, *, apns_production: bool | None = None, limits: Limits = DEFAULT_LIMITS, allow_mixed: bool = False
) -> Content:
    """The content of one batch item; its target stays with the caller.

    Raises:
        InvalidPush: names the field that breaks a rule.
    """
    return encode_content(
        notification=item.notification,
        message=item.message,
        platform=item.platform,
        options=item.options,
        custom_args=item.custom_args,
        apns_production=apns_production,
        limits=limits,
        allow_mixed=allow_mixed,
    )


def encode_request(  # noqa: PLR0913  (keyword-only, one per field of the API)
    *,
    to: Audience | dict[str, Any] | str,
    notification: Notification | dict[str, Any] | str | None = None,
    message: Message | dict[str, Any] | None = None,
    live_activity: LiveActivity | dict[str, Any] | None = None,
    voip: Voip | dict[str, Any] | None = None,
    platform: str | list[str] | tuple[str, ...] = "all",
    options: Options | dict[str, Any] | None = None,
    custom_args: dict[str, Any] | str | None = None,
    from_: str | None = None,
    apns_production: bool | None = None,
    limits: Limits = DEFAULT_LIMITS,
    allow_mixed: bool = False,
) -> SingleContent:
    """Validate and encode a push request to an audience: `"all"` or the keys of `Audience`.

    Raises:
        InvalidPush: names the field that breaks a rule.
    """
    payloads = {"notification": notification, "message": message, "live_activity": live_activity, "voip": voip}
    parts = read_parts(payloads, allow_mixed)
    audience = _read_audience(to)
    check_audience(parts, audience)
    body = _Body(parts, read_platform(platform), _read_options(options), limits, audience)
    start, end = body.encode(apns_production, all_or_list)
    sender = b"" if from_ is None else b'"from":' + json_text(from_, "from").encode() + b","
    receivers = b'"all"' if audience is None else model_json(audience, "to")
    head = b"".join((b"{", sender, b'"to":', receivers, b",", custom_args_member(custom_args), b'"request_id":'))
    return SingleContent(head, b',"body":{' + start, end + b"}}", body.options.time_to_live, str(body.platform))


@dataclass(frozen=True, slots=True)
class _Body:
    parts: Parts
    platform: Platform
    options: Options
    limits: Limits
    audience: Audience | None = None

    def encode(self, default_environment: bool | None, platform_json: Any) -> tuple[bytes, bytes]:
        """What stands before the cid, from `"platform"` on, and what after it up to the end of the options."""
        environment = self._checked_environment(default_environment)
        encoded = {name: model_json(part, name) for name, part in self.parts.items()}
        check_size(encoded)
        payload = b"".join(b'"%b":%b,' % (name.encode(), text) for name, text in encoded.items())
        start = b'"platform":%b,%b"options":{%b"cid":"' % (
            platform_json(self.platform).encode(),
            payload,
            options_members(self.options, environment),
        )
        ttl = self.options.time_to_live
        return start, b'"}' if ttl is None else b'","time_to_live":%d}' % ttl

    def _checked_environment(self, default: bool | None) -> bool | None:
        """The environment to add; None when the options have one, or none is needed. Checks all else on the way."""
        check_platform(self.parts, self.platform)
        check_distribution(self.parts, self.options)
        if self.limits.strict_weak:
            enforce_weak_limits({**self.parts, "options": self.options, "to": self.audience})
        if self.options.apns_production is not None:
            return None
        check_ios_environment(self.parts, self.platform, default)
        return default if can_reach_ios(self.parts, self.platform) else None


def _read_options(value: Options | dict[str, Any] | None) -> Options:
    return NO_OPTIONS if value is None else Options.read(value)


def _read_audience(value: Audience | dict[str, Any] | str) -> Audience | None:
    if value == "all":
        return None
    if isinstance(value, str):
        raise InvalidPush("to", "must be 'all', or name its receivers, such as {'alias': ['…']}")
    return Audience.read(value)


def time_to_live_of(encoded: bytes) -> int | None:
    """The time to live in seconds of an encoded item or request; None when it has none. Reads the tail only."""
    match = _tail.search(encoded, max(0, len(encoded) - _LONGEST_TAIL))
    return int(match[1]) if match else None


def with_time_to_live(encoded: bytes, seconds: int) -> bytes:
    """The same item or request with another time to live; unchanged when it has none.

    Raises:
        ValueError: the number of seconds is negative.
    """
    if seconds < 0:
        raise ValueError("time to live must not be negative")
    match = _tail.search(encoded, max(0, len(encoded) - _LONGEST_TAIL))
    if match is None:
        return encoded
    return b"%b%d%b" % (encoded[: match.start(1)], seconds, match[2])


def cid_of(encoded: bytes) -> str | None:
    """The cid of an encoded item or request; None when nothing of ours ends like `encoded`. Reads the tail only."""
    match = _cid_tail.search(encoded, max(0, len(encoded) - _LONGEST_CID_TAIL))
    return match[1].decode() if match else None


def with_cid(encoded: bytes, cid: str) -> bytes:
    """The same item or request under another cid. The vendor cannot tell it from a new push.

    Raises:
        InvalidPush: field `options.cid`, when it is not 1 to 64 of A-Z a-z 0-9 _ -.
        ValueError: nothing of ours ends like `encoded`.
    """
    match = _cid_tail.search(encoded, max(0, len(encoded) - _LONGEST_CID_TAIL))
    if match is None:
        raise ValueError("no cid at the end of the options")
    return b"".join((encoded[: match.start(1)], checked_cid(cid), match[2]))
