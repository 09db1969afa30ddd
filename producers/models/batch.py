"""One element of a batch as the API describes it (reference 2.3)."""

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, PlainValidator

from .base import VendorModel
from .json_values import TextOrObject, refusal
from .message import Message
from .notification import Notification
from .options import Options
from .targets import registration_id_fault


def _target(value: Any) -> Any:
    # Aliases are a subset of this; the call that knows the kind checks the rest.
    if reason := registration_id_fault(value):
        raise refusal(reason)
    return value


class BatchItem(VendorModel):
    """One push to one target inside a batch: one registration id or one alias, and its content.

    Items have no `from`, `to`, `body` or `request_id` (grade A); unknown names are refused here.
    """

    model_config = ConfigDict(extra="forbid")
    api_path: ClassVar[str] = ""

    target: Annotated[str, PlainValidator(_target)]
    platform: str | list[str] = "all"
    notification: Notification | None = None
    message: Message | None = None
    options: Options | None = None
    custom_args: TextOrObject = None
