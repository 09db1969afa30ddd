"""The one table that says what an answer of the API means: vendor code first, HTTP status second.

Pure data and one rule for what the table does not know. Facts: the vendor's error-codes and http-status-code pages
(grade A), its SDKs and their tests (B), production code of others (F), the JPush analogue (J, not confirmed for
EngageLab), our own choice where nothing is known (S).
"""

from enum import StrEnum
from typing import NamedTuple


class ErrorClass(StrEnum):
    """What happens next to a push, or to its app, after a fault."""

    UNSENT = "unsent"
    """Nothing left this machine: repeat at once, shortly and with jitter."""
    TRANSIENT = "transient"
    """The service failed: repeat later with the same cid and endpoint. It may have had an effect."""
    THROTTLED = "throttled"
    """Over the quota: back to the lane, no attempt spent."""
    AMBIGUOUS = "ambiguous"
    """No readable verdict: as transient, but not sooner than ten seconds later."""
    PERMANENT = "permanent"
    """The request is wrong: rejected."""
    TARGET = "target"
    """The registration id or alias is wrong: rejected, and published as an invalid target."""
    CREDENTIAL = "credential"
    """The whole app is refused: its gate closes until a probe succeeds."""
    BENCH = "bench"
    """This worker's address is refused: the worker stands aside, others go on."""
    SETUP = "setup"
    """The app lacks something in the vendor's console: the push is rejected and the operator alerted."""


class Row(NamedTuple):
    """One line of the table. `code` None means: an answer with this status and no vendor code in it."""

    code: int | None
    statuses: tuple[int, ...]
    kind: ErrorClass
    meaning: str
    grade: str


class Verdict(NamedTuple):
    """What the table, or the rule of thumb where it is silent (`unknown`), says about an answer."""

    kind: ErrorClass
    meaning: str
    unknown: bool


_T, _R, _X = ErrorClass.TRANSIENT, ErrorClass.THROTTLED, ErrorClass.AMBIGUOUS
_P, _D, _C = ErrorClass.PERMANENT, ErrorClass.TARGET, ErrorClass.CREDENTIAL

TABLE: tuple[Row, ...] = (
    Row(0, (200,), _X, "success; a fault only when the rest of the answer cannot be read", "A"),
    Row(1003, (), _P, "override_msg_id is unknown or older than a day, or a report parameter is invalid", "A"),
    Row(20101, (400,), _D, "registration id is invalid or belongs to another app", "A"),
    Row(21001, (405, 404), _P, "wrong method or URL", "A"),
    Row(21002, (400,), _P, "a required parameter is missing", "A"),
    Row(21003, (400,), _P, "a parameter value is invalid", "A"),
    Row(21004, (401,), _C, "AppKey or Master Secret refused", "A"),
    Row(21005, (400,), _P, "body larger than 4000 bytes", "A"),
    Row(21008, (400,), _C, "AppKey is malformed", "A"),
    Row(21009, (400,), _T, "internal system error of the vendor", "A"),
    Row(21011, (400,), _D, "no device matches the target on this platform", "A"),
    Row(21015, (400,), _P, "unexpected parameter", "A"),
    Row(21016, (400,), _P, "a parameter has the wrong type or length", "A"),
    Row(21030, (503,), _T, "internal time-out of the vendor", "A"),
    Row(21036, (), _P, "notification and message together", "F"),
    Row(21038, (401,), _C, "the app's subscription has expired or is not activated", "A"),
    Row(21050, (400,), _P, "live_activity event is not start, update or end", "A"),
    Row(21051, (400,), _P, "live_activity start needs all or registration ids as audience", "A"),
    Row(21052, (400,), _P, "live_activity start needs attributes-type", "A"),
    Row(21053, (400,), _P, "live_activity needs content-state", "A"),
    Row(21054, (400,), _P, "live_activity together with another payload", "A"),
    Row(21055, (400,), ErrorClass.SETUP, "live_activity needs a P8 certificate in the console", "A"),
    Row(21056, (400,), _P, "live_activity on a platform other than iOS", "A"),
    Row(21057, (400,), _P, "voip together with another payload", "A"),
    Row(21058, (400,), _P, "voip on a platform other than iOS", "A"),
    Row(21059, (401,), _P, "this kind of message does not support big_push_duration", "A"),
    Row(21306, (401,), _P, "notification and message together", "A"),
    Row(23001, (401,), _C, "Basic authentication failed", "A"),
    Row(23003, (400,), _P, "cid is malformed", "A"),
    Row(23006, (400,), _P, "parameter error, such as big_push_duration above 1440", "A"),
    Row(23008, (400, 429), _R, "over the requests per second of the AppKey", "A"),
    Row(23009, (400,), ErrorClass.BENCH, "this source address is not in the app's allow-list", "A"),
    Row(27000, (500,), _T, "internal memory error of the vendor", "A"),
    Row(27001, (401,), _C, "credentials are empty", "A"),
    # A device look-up reads 27002 as "no such device"; it knows its operation, this table does not.
    Row(27002, (400,), _T, "unknown error of the vendor", "A"),
    Row(27008, (401,), _P, "distribution is set but the alert is empty", "A"),
    Row(27009, (401,), _P, "distribution is empty or invalid", "A"),
    Row(27303, (), _P, "plan id is empty", "A"),
    Row(3001, (401,), _C, "report: authentication failed", "J"),
    Row(3004, (), _P, "report: invalid request", "J"),
    Row(3005, (), _P, "report: only the last 60 days are kept", "J"),
    Row(7000, (500,), _T, "device: internal error", "J"),
    Row(7001, (401,), _C, "device: authentication failed", "J"),
    Row(7002, (400,), _P, "device: invalid parameter", "J"),
    Row(7004, (401,), _C, "device: AppKey refused", "J"),
    Row(7008, (400,), _P, "device: invalid parameter", "J"),
    Row(7013, (400,), _P, "device: invalid parameter", "J"),
    Row(7030, (503,), _T, "device: internal time-out", "J"),
    Row(8100, (400,), _P, "schedule: invalid parameter", "J"),
    Row(8101, (401,), _C, "schedule: authentication failed", "J"),
    Row(8104, (404,), _P, "schedule: no such schedule", "J"),
    Row(8200, (500,), _T, "schedule: internal error", "J"),
    Row(8203, (503,), _T, "schedule: try again", "J"),
    Row(None, (200,), _X, "a 200 that cannot be read", "S"),
    Row(None, (400,), _P, "bad request", "A"),
    # The pages call 401 and 403 refusals, but a real one carries its code: see `judge`.
    Row(None, (401,), _T, "401 without a vendor code, as a proxy sends it", "S"),
    Row(None, (403,), _T, "403 without a vendor code, as a proxy sends it", "S"),
    Row(None, (404,), _P, "no such resource", "A"),
    Row(None, (405,), _P, "method not allowed", "A"),
    Row(None, (408,), _T, "the server or a proxy did not receive the request in time", "S"),
    Row(None, (410,), _P, "gone", "A"),
    Row(None, (429,), _R, "too many requests", "A"),
    Row(None, (500,), _T, "internal error", "A"),
    Row(None, (502,), _T, "backend is offline or upgrading", "A"),
    Row(None, (503,), _T, "the service could not respond", "A"),
    Row(None, (504,), _X, "gateway time-out: the request may have been executed", "A"),
)

SMALLEST_VENDOR_CODE = 1000
"""Below it a `code` field is not the vendor's: 0 means success, and gateways repeat the HTTP status there."""

_BY_CODE = {row.code: row for row in TABLE if row.code}
_REFUSED_BY_CODE = frozenset({0, 401, 403, *range(200, 300)})
_BY_STATUS = {status: row for row in TABLE if row.code is None for status in row.statuses}


def judge(code: int | None, status: int | None) -> Verdict:
    """Say what an answer means: the code decides, the status only where there is no known code.

    A 401 or 403 without a vendor code (bare HTML, an empty body, a gateway's own JSON) is *transient*, never a refused
    credential: four documented payload errors travel on 401, a real refusal carries 21004, 21008, 23001 or 27001, and
    a proxy's log-in page must not stop a whole app. Cost: were the vendor to refuse credentials without a code, each
    push would use up its attempts and wait as a dead letter to be replayed; nothing would be rejected for good.
    An unknown code on a 4xx, or inside a 200, is an explicit refusal of this request and stays *permanent*.

    Args:
        code: vendor code, None when the answer has none.
        status: HTTP status, None when there was no answer.
    """
    vendor_code = code if code is not None and code >= SMALLEST_VENDOR_CODE else None
    row = _BY_STATUS.get(status or 0) if vendor_code is None else _BY_CODE.get(vendor_code)
    if row is not None:
        return Verdict(row.kind, row.meaning, unknown=False)
    return Verdict(_guess(vendor_code, status or 0), "not in the vendor's error table", unknown=True)


def classify(code: int | None, status: int | None) -> ErrorClass:
    """Give the class of an answer; see `judge` for the rules and their reasons."""
    return judge(code, status).kind


def _guess(code: int | None, status: int) -> ErrorClass:
    """Classify what no row names. `status` 0 stands for no answer."""
    if code is not None and status in _REFUSED_BY_CODE:
        return ErrorClass.PERMANENT
    known = _BY_STATUS.get(status)
    if known is not None:
        return known.kind
    family = status // 100
    return {4: ErrorClass.PERMANENT, 5: ErrorClass.TRANSIENT}.get(family, ErrorClass.AMBIGUOUS)
