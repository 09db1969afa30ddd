"""One send as an application describes it, and the checks that belong to no single model."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from .contract import Kind, Lane
from .encoding import Content, check_alias, check_registration_id, encode_content
from .errors import InvalidPush
from .models import Limits, Message, Notification, Options
from .profiles import Profile

KEY_LENGTH = 256
_FOREVER = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A push for one device (`registration_id`) or one `alias`. The fields are those of `Producer.send`."""

    registration_id: str | None = None
    alias: str | None = None
    notification: Notification | dict[str, Any] | str | None = None
    message: Message | dict[str, Any] | None = None
    platform: str | list[str] | tuple[str, ...] = "all"
    options: Options | dict[str, Any] | None = None
    custom_args: dict[str, Any] | str | None = None
    expires_in: float | timedelta | None = None
    idempotency_key: str | None = None
    sensitive: bool = False
    allow_mixed: bool = False

    @classmethod
    def read(cls, value: "Send | Mapping[str, Any]") -> "Send":
        """Accept a mapping with the same names. Raises `InvalidPush` naming a field that does not exist."""
        if isinstance(value, Send):
            return value
        if not isinstance(value, Mapping):
            raise InvalidPush("send", "must be a Send or a mapping with its fields")
        for name in value:
            if name not in _FIELDS:
                raise InvalidPush(str(name)[:40], f"is no field of a send; these are: {', '.join(sorted(_FIELDS))}")
        return cls(**value)

    def addressed(self) -> tuple[Kind, str]:
        """Which kind of stream this goes to, and its checked target. Raises `InvalidPush`."""
        if (self.registration_id is None) == (self.alias is None):
            raise InvalidPush("registration_id", "give exactly one of registration_id and alias")
        if self.alias is None:
            return Kind.REGID, check_registration_id(self.registration_id or "")
        return Kind.ALIAS, check_alias(self.alias)

    def encode(self, profile: Profile, limits: Limits) -> Content:
        """Validate and encode the content. Raises `InvalidPush`."""
        return encode_content(
            notification=self.notification,
            message=self.message,
            platform=self.platform,
            options=self.options,
            custom_args=self.custom_args,
            apns_production=profile.apns_production,
            limits=limits,
            allow_mixed=self.allow_mixed,
        )


_FIELDS = frozenset(field.name for field in fields(Send))


def read_lane(lane: Lane | str) -> Lane:
    """The lane of that name. Raises `InvalidPush`."""
    try:
        return Lane(lane)
    except ValueError:
        raise InvalidPush("lane", f"must be one of {', '.join(Lane)}") from None


def life_ms(expires_in: float | timedelta | None, max_age_ms: int) -> int:
    """How long the push is worth sending, in ms; never longer than its lane allows. Raises `InvalidPush`."""
    if expires_in is None:
        return max_age_ms
    seconds = expires_in.total_seconds() if isinstance(expires_in, timedelta) else expires_in
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < _FOREVER:
        raise InvalidPush("expires_in", "must be a number of seconds above 0, or a timedelta")
    return max(1, round(min(max_age_ms, seconds * 1000)))


def check_key(key: str | None) -> str | None:
    """A usable idempotency key, or None. Raises `InvalidPush`."""
    if key is None:
        return None
    if not isinstance(key, str) or not key or len(key) > KEY_LENGTH:
        raise InvalidPush("idempotency_key", f"must be a text of 1 to {KEY_LENGTH} characters")
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidPush("idempotency_key", "must be valid Unicode") from None
    return key
