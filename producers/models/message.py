"""The payloads that are not notifications: custom message, live activity, VoIP."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import VendorModel
from .json_values import LARGEST_INTEGER, JsonObject, TextOrObject, refusal


class Message(VendorModel):
    """A custom message: handed to the app's code and not shown by the system (reference 2.1.6).

    `test_message` and `receipt_id` concern HarmonyOS. `msg_content` is required (grade A/B).
    """

    api_path: ClassVar[str] = "message"

    msg_content: TextOrObject
    title: str | None = None
    content_type: str | None = None
    extras: JsonObject = None
    test_message: bool | None = None
    receipt_id: str | None = None

    @model_validator(mode="after")
    def _needs_content(self) -> Self:
        if self.msg_content is None:
            raise refusal("is required", ["msg_content"])
        return self


class LiveActivityAlert(VendorModel):
    """The text that an Apple Watch shows for a live activity (grade B)."""

    api_path: ClassVar[str] = "live_activity.ios.alert"

    title: str | None = None
    body: str | None = None
    sound: str | None = None


class LiveActivityIos(VendorModel):
    """One step of a live activity (reference 2.1.7).

    Times are Unix seconds. `relevance_score` is 1 to 100, `apns_priority` 5 or 10 (grade B).
    `content_state` must not be empty (21053); `attributes_type` is needed to start (21052).
    """

    api_path: ClassVar[str] = "live_activity.ios"

    event: Literal["start", "update", "end"]
    attributes_type: str | None = Field(default=None, alias="attributes-type")
    content_state: JsonObject = Field(alias="content-state")
    attributes: JsonObject = None
    alert: LiveActivityAlert | None = None
    dismissal_date: Annotated[int, Field(ge=0, le=LARGEST_INTEGER)] | None = Field(default=None, alias="dismissal-date")
    stale_date: Annotated[int, Field(ge=0, le=LARGEST_INTEGER)] | None = Field(default=None, alias="stale-date")
    relevance_score: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, alias="relevance-score")
    apns_priority: Literal[5, 10] | None = Field(default=None, alias="apns-priority")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.content_state:
            raise refusal("must not be empty (21053)", ["content-state"])
        if self.event == "start" and not self.attributes_type:
            raise refusal("is required when event is 'start' (21052)", ["attributes-type"])
        return self


class LiveActivity(VendorModel):
    """A live activity; iOS only."""

    api_path: ClassVar[str] = "live_activity"

    ios: LiveActivityIos


class Voip(VendorModel):
    """A VoIP push; iOS only, with keys of the application's choice."""

    api_path: ClassVar[str] = "voip"
