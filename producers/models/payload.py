"""What may be sent together: the rules that concern more than one object of a push."""

from dataclasses import dataclass
from typing import Any

from ..errors import InvalidPush
from .audience import Audience
from .base import VendorModel
from .message import LiveActivity, Message, Voip
from .notification import Notification
from .options import Options

PLATFORMS = ("android", "ios", "hmos")
MODELS: dict[str, type[VendorModel]] = {
    "notification": Notification,
    "message": Message,
    "live_activity": LiveActivity,
    "voip": Voip,
}
IOS_ONLY_CODES = {"live_activity": 21056, "voip": 21058}
MIXED_CODES = {"live_activity": 21054, "voip": 21057}
NO_ENVIRONMENT = (
    "iOS needs an environment: set apns_production in the options of the push, "
    "or PUSH_APPS__<app>__APNS_PRODUCTION for the app, or send with platform='android'"
)

Parts = dict[str, VendorModel]


def read_parts(given: dict[str, Any], allow_mixed: bool) -> Parts:
    """The payload objects that were given, as models: exactly one of the four kinds.

    With `allow_mixed`, notification and message may go together and the API decides (grade A says
    "in some cases" without naming them).

    Raises:
        InvalidPush: nothing given, a combination that the API refuses, or a broken object.
    """
    parts = {name: MODELS[name].read(value) for name, value in given.items() if value is not None}
    if len(parts) != 1:
        _check_combination(parts, allow_mixed)
    return parts


def _check_combination(parts: Parts, allow_mixed: bool) -> None:
    if not parts:
        raise InvalidPush("notification", "nothing to send; give notification, message, live_activity or voip")
    for name, code in MIXED_CODES.items():
        if name in parts:
            raise InvalidPush(name, f"cannot go together with another payload ({code}); send two pushes")
    if not allow_mixed:
        raise InvalidPush(
            "message", "cannot go together with notification (21306); send two pushes, or pass allow_mixed=True"
        )


@dataclass(frozen=True, slots=True)
class Platform:
    """The platforms of a push: `names` is ("all",) or some of android, ios, hmos."""

    names: tuple[str, ...]

    @property
    def includes_ios(self) -> bool:
        return self.names[0] == "all" or "ios" in self.names

    def __str__(self) -> str:
        return ",".join(self.names)


_known = {name: Platform((name,)) for name in ("all", *PLATFORMS)}


def read_platform(value: str | list[str] | tuple[str, ...]) -> Platform:
    """`all`, one platform, or a list of platforms without repeats.

    Raises:
        InvalidPush: field `platform`.
    """
    if isinstance(value, str) and value in _known:
        return _known[value]
    if isinstance(value, list | tuple) and value and all(isinstance(v, str) and v in PLATFORMS for v in value):
        return Platform(tuple(dict.fromkeys(value)))
    raise InvalidPush("platform", "must be 'all', or one or a list of 'android', 'ios', 'hmos'")


def check_platform(parts: Parts, platform: Platform) -> None:
    """Live activities and VoIP pushes go to iOS alone (grade A).

    Raises:
        InvalidPush: field `platform`.
    """
    for name, code in IOS_ONLY_CODES.items():
        if name in parts and platform.names != ("ios",):
            raise InvalidPush("platform", f"must be 'ios' for {name} ({code})")


def check_ios_environment(parts: Parts, platform: Platform, environment: object) -> None:
    """A push that can reach iOS must say whether it means production or development.

    Raises:
        InvalidPush: field `options.apns_production`, with the three ways to supply it.
    """
    # "false" from an environment variable would otherwise count as true and go to production devices.
    if environment is not None and not isinstance(environment, bool):
        raise InvalidPush("options.apns_production", "must be True or False")
    if environment is None and can_reach_ios(parts, platform):
        raise InvalidPush("options.apns_production", NO_ENVIRONMENT)


def can_reach_ios(parts: Parts, platform: Platform) -> bool:
    """Whether the platform includes iOS and some payload is not for other platforms only."""
    return platform.includes_ios and any(
        not isinstance(part, Notification) or part.reaches_ios() for part in parts.values()
    )


def check_distribution(parts: Parts, options: Options) -> None:
    """A notification that chooses its manufacturer channel needs a text (grade A, 27008).

    Raises:
        InvalidPush: field `notification.alert`.
    """
    notification = parts.get("notification")
    if isinstance(notification, Notification) and options.sets_distribution() and not notification.has_alert():
        raise InvalidPush("notification.alert", "must not be empty when a distribution is set (27008)")


def check_audience(parts: Parts, to: Audience | None) -> None:
    """A live activity starts for everyone or for given registration ids only (grade A, 21051).

    Raises:
        InvalidPush: field `to`.
    """
    activity = parts.get("live_activity")
    if to is None or not isinstance(activity, LiveActivity) or activity.ios.event != "start":
        return
    if to.keys() != {"registration_id"} or to.__pydantic_extra__:
        raise InvalidPush("to", "must be 'all' or registration_id alone to start a live activity (21051)")
