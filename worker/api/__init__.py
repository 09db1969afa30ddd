"""The EngageLab App Push API: the client of the delivery, the direct client, and the error table.

Usable without queue or Redis; imports nothing of `config`.
"""

from worker.api.client import BatchAnswer, PushApi, SingleAnswer
from worker.api.direct import EngageLabPush
from worker.api.endpoints import Endpoint
from worker.api.errors import (
    AccessRefused,
    AddressRefused,
    ApiError,
    AppNotConfigured,
    CredentialsRefused,
    ErrorClass,
    Fault,
    NotSent,
    OutcomeUnknown,
    RequestRefused,
    ServiceUnavailable,
    TargetRefused,
    Throttled,
    classify,
)
from worker.api.reading import TargetResult
from worker.api.regions import REGIONS
from worker.api.results import AppResult, BatchReport, GroupReport, PushAccepted, Recalled

__all__ = [
    "REGIONS",
    "AccessRefused",
    "AddressRefused",
    "ApiError",
    "AppNotConfigured",
    "AppResult",
    "BatchAnswer",
    "BatchReport",
    "CredentialsRefused",
    "Endpoint",
    "EngageLabPush",
    "ErrorClass",
    "Fault",
    "GroupReport",
    "NotSent",
    "OutcomeUnknown",
    "PushAccepted",
    "PushApi",
    "Recalled",
    "RequestRefused",
    "ServiceUnavailable",
    "SingleAnswer",
    "TargetRefused",
    "TargetResult",
    "Throttled",
    "classify",
]
