"""How a push is delivered: the `options` object (reference 2.1.8 and 2.1.9)."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from .base import VendorModel
from .json_values import LARGEST_INTEGER, Integer, JsonObject, refusal

VENDORS = frozenset(("xiaomi", "huawei", "honor", "meizu", "oppo", "vivo", "fcm", "hmos"))
"""Manufacturer channels below `third_party_channel` (grade B)."""

OPPO_NOTIFY_LEVELS = (1, 2, 16)


def _no_cid(value: Any) -> None:
    if value is not None:
        raise refusal("is set by the queue itself; give idempotency_key to the call instead")


class LanguageText(VendorModel):
    """The text for devices of one language; the default text serves the others (grade A/B)."""

    api_path: ClassVar[str] = "options.multi_language"

    content: str | None = None
    title: str | None = None
    subtitle: str | None = None


class Options(VendorModel):
    """Delivery options.

    `time_to_live` is in seconds, 0 for devices that are online only (A); `big_push_duration` in minutes, at most
    1440 (A, 23006); `plan_id` has at most 50 letters, digits and underscores and no leading underscore (A).
    `apns_production` chooses the iOS environment. `enhanc_message` is spelt as the API spells it (B).
    `cid` is refused: the queue owns it, and `idempotency_key` is the application's way to the same end.
    """

    api_path: ClassVar[str] = "options"

    time_to_live: Annotated[int, Field(ge=0, le=LARGEST_INTEGER)] | None = None
    apns_production: bool | None = None
    apns_collapse_id: str | None = None
    override_msg_id: Annotated[int, Field(ge=1, le=LARGEST_INTEGER)] | None = None
    big_push_duration: Annotated[int, Field(ge=0, le=1440)] | None = None
    multi_language: dict[str, LanguageText] | None = None
    third_party_channel: JsonObject = None
    classification: Integer | None = None
    voice_value: str | None = None
    enhanc_message: bool | None = None
    plan_id: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_]{0,49}$")] | None = None
    auto_truncation: bool | None = None
    cid: Annotated[None, BeforeValidator(_no_cid)] = None

    @model_validator(mode="after")
    def _channels_are_valid(self) -> Self:
        if self.third_party_channel is not None:
            _check_channels(self.third_party_channel)
        return self

    def sets_distribution(self) -> bool:
        """Whether a manufacturer channel has a `distribution`, which demands a text to show (27008)."""
        return any(isinstance(c, dict) and "distribution" in c for c in (self.third_party_channel or {}).values())


NO_OPTIONS = Options()


def _check_channels(channels: dict[str, Any]) -> None:
    for vendor, settings in channels.items():
        if not isinstance(settings, dict):
            if vendor in VENDORS:
                raise refusal("must be an object (a dict)", ["third_party_channel", vendor])
            continue
        distribution = settings.get("distribution", "unset")
        if not isinstance(distribution, str) or not distribution:
            raise refusal("must be a non-empty string (27009)", ["third_party_channel", vendor, "distribution"])
        if vendor == "oppo" and settings.get("notify_level", 1) not in OPPO_NOTIFY_LEVELS:
            raise refusal("must be 1, 2 or 16", ["third_party_channel", vendor, "notify_level"])
