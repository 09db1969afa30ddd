"""Business codes of the API with their documented HTTP status (API reference, section 4.1), in one table.

The texts are ours: the vendor's wording is mostly unknown, and clients must classify by code.
"""

from typing import NamedTuple


class Code(NamedTuple):
    """One row of the table."""

    status: int
    message: str


CODES: dict[int, Code] = {
    1003: Code(400, "override_msg_id is unknown or older than one day"),  # status not shown by the vendor
    20101: Code(400, "registration id is invalid or does not belong to this AppKey"),
    21001: Code(405, "wrong method or URL"),
    21002: Code(400, "required parameter missing"),
    21003: Code(400, "invalid parameter value"),
    21004: Code(401, "AppKey or Master Secret verification failed"),
    21005: Code(400, "body is larger than 4000 bytes"),
    21008: Code(400, "app_key is malformed"),
    21009: Code(400, "internal system error, contact support"),
    21011: Code(400, "no matching target"),
    21015: Code(400, "unexpected parameter"),
    21016: Code(400, "wrong type or length"),
    21030: Code(503, "internal timeout"),
    21036: Code(400, "notification and message together"),  # field report; status unknown
    21038: Code(401, "VIP expired or not activated"),
    21050: Code(400, "live_activity event must be start, update or end"),
    21051: Code(400, "live_activity start needs the audience all or registration_id"),
    21052: Code(400, "live_activity attributes-type is empty on start"),
    21053: Code(400, "live_activity content-state is empty"),
    21054: Code(400, "live_activity together with another payload"),
    21055: Code(400, "live_activity needs a P8 certificate"),
    21056: Code(400, "live_activity is for iOS only"),
    21057: Code(400, "voip together with another payload"),
    21058: Code(400, "voip is for iOS only"),
    21059: Code(401, "this message type does not support big_push_duration"),
    21306: Code(401, "notification and message together"),
    23001: Code(401, "Basic authentication failed"),
    23003: Code(400, "cid must be 1 to 64 of A-Z a-z 0-9 _ -"),  # status not shown by the vendor
    23006: Code(400, "big_push_duration must be 1 to 1440 minutes"),
    23008: Code(400, "QPS limit reached"),
    23009: Code(400, "source IP is not in the allow-list"),
    27000: Code(500, "internal memory error"),
    27001: Code(401, "credentials are empty"),
    27002: Code(400, "unknown error"),
    27008: Code(401, "distribution is set but the notification alert is empty"),
    27009: Code(401, "distribution is empty or invalid"),
    27303: Code(400, "plan id is empty"),  # status not shown by the vendor
}


class ApiError(Exception):
    """A documented refusal. Raised anywhere below the gateway, answered as `{"error": {code, message}}`."""

    def __init__(self, code: int, detail: str = "", status: int | None = None) -> None:
        row = CODES.get(code, Code(400, "unknown code"))
        self.code = code
        self.status = row.status if status is None else status
        self.message = f"{row.message}: {detail}" if detail else row.message
        super().__init__(self.message)
