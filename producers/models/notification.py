"""What a device shows: the `notification` object (reference 2.1.3 to 2.1.5)."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from .base import VendorModel
from .json_values import Integer, JsonObject, TextOrObject, refusal

MOST_INBOX_LINES = 3
MULTI_LINE_STYLE = 3
Switch = Literal["0", "1"]


class Intent(VendorModel):
    """What opens on a tap: an `intent:#Intent;…;end` address or a deep link (grade A/B)."""

    url: str


class AndroidNotification(VendorModel):
    """The Android part. Names and types are grade A/B; most limits are JPush's and therefore weak.

    `display_foreground` is "1" to show and "0" to hide while the app is in the foreground.
    """

    api_path: ClassVar[str] = "notification.android"

    alert: TextOrObject = None
    title: str | None = None
    builder_id: Integer | None = None
    channel_id: str | None = None
    priority: Integer | None = None
    category: str | None = None
    style: Integer | None = None
    big_text: str | None = None
    inbox: JsonObject = None
    big_pic_path: str | None = None
    extras: JsonObject = None
    intent: Intent | None = None
    large_icon: str | None = None
    small_icon: str | None = None
    sound: str | None = None
    badge_add_num: Integer | None = None
    badge_set_num: Integer | None = None
    badge_class: str | None = None
    display_foreground: Switch | None = None
    group_id: str | None = None
    is_fold: bool | None = None


def _badge(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        raise refusal("must be a number or a string such as '+1'")
    return value


class IosNotification(VendorModel):
    """The iOS part; the hyphenated API names have Python names with underscores (grade A/B)."""

    api_path: ClassVar[str] = "notification.ios"

    alert: TextOrObject = None
    sound: TextOrObject = None
    badge: Annotated[int | str | None, PlainValidator(_badge)] = None
    content_available: bool | None = Field(default=None, alias="content-available")
    mutable_content: bool | None = Field(default=None, alias="mutable-content")
    category: str | None = None
    thread_id: str | None = Field(default=None, alias="thread-id")
    interruption_level: str | None = Field(default=None, alias="interruption-level")
    extras: JsonObject = None


class HmosNotification(VendorModel):
    """The HarmonyOS part; its limits are the official Java SDK's (grade B).

    `alert` is required. `style` 3 (multi-line) needs `inbox_content`, at most 3 lines; `push_type` is
    0 notification, 2 extended notification or 10 VoIP call, and the last two need `extra_data`.
    """

    api_path: ClassVar[str] = "notification.hmos"

    alert: str
    title: str | None = None
    category: str | None = None
    intent: Intent | None = None
    large_icon: Annotated[str, Field(pattern="^https://")] | None = None
    badge_add_num: Annotated[int, Field(ge=1, le=99)] | None = None
    badge_set_num: Annotated[int, Field(ge=0, le=99)] | None = None
    test_message: bool | None = None
    receipt_id: str | None = None
    extras: JsonObject = None
    style: Literal[0, 3] | None = None
    inbox_content: Annotated[list[str], Field(max_length=MOST_INBOX_LINES)] | None = None
    push_type: Literal[0, 2, 10] | None = None
    extra_data: str | None = None
    display_foreground: Switch | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.style == MULTI_LINE_STYLE and not self.inbox_content:
            raise refusal("is required when style is 3", ["inbox_content"])
        if self.push_type and not self.extra_data:
            raise refusal("is required when push_type is 2 or 10", ["extra_data"])
        return self


class Notification(VendorModel):
    """A notification: a text for every platform, and what differs on each.

    `alert` is a string or an object such as `{"title": …, "body": …}`; the alert of a platform replaces it.
    At least one of the four fields is needed.
    """

    api_path: ClassVar[str] = "notification"

    alert: TextOrObject = None
    android: AndroidNotification | None = None
    ios: IosNotification | None = None
    hmos: HmosNotification | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        if self.alert is None and self.android is None and self.ios is None and self.hmos is None:
            raise refusal("is empty; give an alert, or one of android, ios, hmos")
        return self

    @classmethod
    def read(cls, value: Self | dict[str, Any] | str) -> Self:
        """As for every model; a plain string is the alert."""
        return super().read({"alert": value} if isinstance(value, str) else value)

    def has_alert(self) -> bool:
        """Whether any platform shows a text."""
        return any(part.alert for part in (self, self.android, self.ios, self.hmos) if part is not None)

    def reaches_ios(self) -> bool:
        """Whether there is something for iOS: its own object, or a text for every platform."""
        return self.ios is not None or self.alert is not None
