"""The objects of a push, as the EngageLab App Push API describes them.

Frozen pydantic models with the exact names of the API. Limits of grade A and B of the API reference refuse;
weaker ones are listed in `limits` and enforced on request. Wherever a model is expected a dict will do.
"""

from .audience import Audience, Segment, To
from .base import VendorModel
from .batch import BatchItem
from .limits import DEFAULT_LIMITS, WEAK_LIMITS, Limits, WeakLimit
from .message import LiveActivity, LiveActivityAlert, LiveActivityIos, Message, Voip
from .notification import AndroidNotification, HmosNotification, Intent, IosNotification, Notification
from .options import LanguageText, Options
from .targets import check_alias, check_registration_id

__all__ = [
    "DEFAULT_LIMITS",
    "WEAK_LIMITS",
    "AndroidNotification",
    "Audience",
    "BatchItem",
    "HmosNotification",
    "Intent",
    "IosNotification",
    "LanguageText",
    "Limits",
    "LiveActivity",
    "LiveActivityAlert",
    "LiveActivityIos",
    "Message",
    "Notification",
    "Options",
    "Segment",
    "To",
    "VendorModel",
    "Voip",
    "WeakLimit",
    "check_alias",
    "check_registration_id",
]
