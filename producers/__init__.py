"""Enqueue pushes for EngageLab App Push: `from producers import Producer, Notification`."""

from .cancelling import Cancellation
from .contract import Lane
from .errors import BrokerUnavailable, IdempotencyConflict, InvalidPush, PushError, QueueFull, UnknownApp
from .models import AndroidNotification, HmosNotification, IosNotification, Message, Notification, Options
from .outcomes import State
from .producer import Producer
from .receipts import Receipt, SendReport, Status, WaitTimeout
from .sends import Send

__all__ = [
    "AndroidNotification",
    "BrokerUnavailable",
    "Cancellation",
    "HmosNotification",
    "IdempotencyConflict",
    "InvalidPush",
    "IosNotification",
    "Lane",
    "Message",
    "Notification",
    "Options",
    "Producer",
    "PushError",
    "QueueFull",
    "Receipt",
    "Send",
    "SendReport",
    "State",
    "Status",
    "UnknownApp",
    "WaitTimeout",
]
