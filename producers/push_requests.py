"""A push to an audience as an application describes it: what goes singly through POST /v4/push and its kin."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Required, TypedDict

from .contract import Kind
from .encoding import SingleContent, encode_request
from .errors import InvalidPush
from .models import Audience, Limits, LiveActivity, Message, Notification, Options, Voip
from .profiles import Profile

NO_TARGET = "-"
"""Stands in the lane for an audience: such a push is never merged with another."""
REQUEST_ID_LENGTH = 256
OF_EVERY_PUSH = frozenset({"expires_in", "idempotency_key", "sensitive", "push_id"})
"""Keywords that are no part of the request itself."""


class PushKeywords(TypedDict, total=False):
    """The keywords of `Producer.push`, `group_push` and `validate`: the fields of `PushRequest`, and of every push."""

    to: Required[Audience | dict[str, Any] | str]
    notification: Notification | dict[str, Any] | str | None
    message: Message | dict[str, Any] | None
    live_activity: LiveActivity | dict[str, Any] | None
    voip: Voip | dict[str, Any] | None
    platform: str | list[str] | tuple[str, ...]
    options: Options | dict[str, Any] | None
    custom_args: dict[str, Any] | str | None
    from_: str | None
    request_id: str | None
    broadcast: bool
    allow_mixed: bool
    expires_in: float | timedelta | None
    idempotency_key: str | None
    sensitive: bool
    push_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """The fields of a create-push request (create-push page, grade A). `to` is `"all"` or the keys of `Audience`.

    `broadcast` must be true for `"all"`, and the app's workers must allow it: no slip may reach every device.
    `request_id` is echoed by the API; the push id unless given. `allow_mixed` leaves it to the API what to do with a
    notification and a message in one push.
    """

    to: Audience | dict[str, Any] | str
    notification: Notification | dict[str, Any] | str | None = None
    message: Message | dict[str, Any] | None = None
    live_activity: LiveActivity | dict[str, Any] | None = None
    voip: Voip | dict[str, Any] | None = None
    platform: str | list[str] | tuple[str, ...] = "all"
    options: Options | dict[str, Any] | None = None
    custom_args: dict[str, Any] | str | None = None
    from_: str | None = None
    request_id: str | None = None
    broadcast: bool = False
    allow_mixed: bool = False

    @classmethod
    def read(cls, content: dict[str, Any]) -> "PushRequest":
        """From keywords. Raises `InvalidPush` naming one that does not exist, or a missing `to`."""
        for name in content:
            if name not in _FIELDS:
                raise InvalidPush(name[:40], f"is no field of a push; these are: {', '.join(sorted(_FIELDS))}")
        if "to" not in content:
            raise InvalidPush("to", "is missing: 'all', or such as {'tag': ['news']}")
        return cls(**content)

    def encode(self, profile: Profile, limits: Limits, kind: Kind) -> SingleContent:
        """Validate and encode. Raises `InvalidPush`."""
        self._check_reach(profile, kind)
        if self.request_id is not None and not 0 < len(self.request_id) <= REQUEST_ID_LENGTH:
            raise InvalidPush("request_id", f"must have 1 to {REQUEST_ID_LENGTH} characters")
        return encode_request(
            to=self.to,
            notification=self.notification,
            message=self.message,
            live_activity=self.live_activity,
            voip=self.voip,
            platform=self.platform,
            options=self.options,
            custom_args=self.custom_args,
            from_=self.from_,
            apns_production=profile.apns_production,
            limits=limits,
            allow_mixed=self.allow_mixed,
        )

    def _check_reach(self, profile: Profile, kind: Kind) -> None:
        if kind is Kind.GROUP:
            self._check_group(profile)
        if self.to != "all" or kind is Kind.VALIDATE:
            return
        if not self.broadcast:
            raise InvalidPush("broadcast", "must be true to push to all devices of the app")
        if not profile.allows_broadcast:
            variable = f"PUSH_APPS__{profile.app}__ALLOW_BROADCAST"
            raise InvalidPush("broadcast", f"this app accepts none; set {variable}=true for its workers")

    def _check_group(self, profile: Profile) -> None:
        if not profile.has_group:
            raise InvalidPush("app", f"has no group; set PUSH_APPS__{profile.app}__GROUP_KEY and …__GROUP_SECRET")
        options = self.options
        override = (
            options.get("override_msg_id") if isinstance(options, dict) else getattr(options, "override_msg_id", None)
        )
        if override is not None:
            raise InvalidPush("options.override_msg_id", "does not exist for group pushes")


_FIELDS = frozenset(field.name for field in fields(PushRequest))
