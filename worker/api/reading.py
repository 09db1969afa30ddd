"""Tolerant reading of the API's answers. Pure: bytes in, values out; nothing the vendor sends raises here.

Both error forms are read: nested `{"error": {"code", "message"}}` (grade A/B) and flat `{"code", "message"}` (W).
`msg_id` is a string in single answers and a 64-bit number in batch answers (B); it never passes through a float.
An answer that promises success and cannot be read (empty, HTML, bare `success`, cut short, no msg_id) is *ambiguous*.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.api.codes import SMALLEST_VENDOR_CODE
from worker.api.errors import ErrorClass, Fault, judged
from worker.api.redaction import Scrubber

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whole and unread."""

    status: int
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return self.status in _SUCCESS


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What the API said about one target of a batch: accepted with a `msg_id`, or a `fault` and an empty `msg_id`."""

    msg_id: str
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class SingleReading:
    """A push, validate or recall answer. `raw` keeps the fields that are not known here."""

    fault: Fault | None
    msg_id: str = ""
    request_id: str = ""
    raw: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class BatchReading:
    """A batch answer. A target that was asked for and is not in `results` was not mentioned by the API."""

    fault: Fault | None
    results: dict[str, TargetResult]
    throttled: bool
    raw: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class GroupReading:
    """A group push answer: one reading per AppKey."""

    fault: Fault | None
    group_msg_id: str = ""
    apps: Mapping[str, SingleReading] = field(default_factory=dict)
    raw: Json = field(default_factory=dict, repr=False)


_SUCCESS = range(200, 300)
_NOTHING: Json = {}
PLAIN_MEMBERS = 3
"""`target`, `success` and `msg_id`: a result with nothing unusual in it (grade B)."""
_CODE_DIGITS = 10

_Shared = dict[tuple[int | None, str], TargetResult]


def parse(body: bytes) -> Any:
    """Read JSON; None for what is not JSON. Fractions stay text, so that no id is ever rounded."""
    try:
        return json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def msg_id_of(value: object) -> str:
    """Give an id as text, empty when there is none; the API sends a string, a number, or 0 for "none"."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return "" if text.strip("0") == "" else text


def error_in(payload: object) -> tuple[int | None, str] | None:
    """Find the error of an answer, nested or flat: its code (None if unreadable) and message. None: no error."""
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if isinstance(error, str) and error:
        return _code(payload.get("code")), error
    if isinstance(error, dict) and error:
        return None if error.get("code") == 0 else (_code(error.get("code")), _text(error.get("message")))
    code = _code(payload.get("code"))
    return None if code is None else (code, _text(payload.get("message")))


def read_single(reply: Reply, scrubber: Scrubber) -> SingleReading:
    """Read the answer to a push, a validation or a recall."""
    payload = parse(reply.body)
    fault = _fault_of(reply, payload, scrubber)
    if fault is not None:
        return SingleReading(fault, raw=_as_mapping(payload))
    return _accepted(payload, reply.status)


def read_batch(reply: Reply, targets: Sequence[str], scrubber: Scrubber) -> BatchReading:
    """Read the answer to a batch; only the targets that were asked for are in the results.

    Results are facts about their targets even when the call as a whole has a fault: the fault is then about the rest.
    """
    payload = parse(reply.body)
    fault = _fault_of(reply, payload, scrubber)
    raw = _as_mapping(payload)
    entries = raw.get("results")
    if not isinstance(entries, dict):
        fault = fault or _unreadable(reply.status, "a success without results")
        entries = {}
    shared: _Shared = {}
    results = {t: _target(t, entries[t], reply.status, scrubber, shared) for t in targets if t in entries}
    faults = (fault, *(result.fault for result in results.values()))
    throttled = any(one is not None and one.kind is ErrorClass.THROTTLED for one in faults)
    return BatchReading(fault, results, throttled or _rate_limited(raw), raw)


def read_group(reply: Reply, scrubber: Scrubber) -> GroupReading:
    """Read the answer to a group push: AppKeys beside `group_msgid` (group-push-api, grade A/B)."""
    payload = parse(reply.body)
    fault = _fault_of(reply, payload, scrubber)
    raw = _as_mapping(payload)
    if fault is not None:
        return GroupReading(fault, raw=raw)
    apps = {
        key: _app(value, reply.status, scrubber)
        for key, value in raw.items()
        if isinstance(value, dict) and ("error" in value or "msg_id" in value or "code" in value)
    }
    group_msg_id = msg_id_of(raw.get("group_msgid"))
    if not group_msg_id and not apps:
        return GroupReading(_unreadable(reply.status, "a success without group_msgid and without apps"), raw=raw)
    return GroupReading(None, group_msg_id, apps, raw)


def read_done(reply: Reply, scrubber: Scrubber) -> SingleReading:
    """Read the answer to a call whose success may be an empty body or the bare text `success` (grade B)."""
    payload = parse(reply.body)
    fault = _fault_of(reply, payload, scrubber)
    raw = _as_mapping(payload)
    if fault is not None:
        return SingleReading(fault, raw=raw)
    is_done = raw.get("success") is not False if raw else _is_bare_success(reply.body)
    if not is_done:
        return SingleReading(_unreadable(reply.status, "a success that cannot be read"), raw=raw)
    return SingleReading(None, msg_id_of(raw.get("msg_id")), str(raw.get("request_id") or ""), raw)


def _fault_of(reply: Reply, payload: object, scrubber: Scrubber) -> Fault | None:
    """Give the fault of the call as a whole, whatever its status says."""
    error = error_in(payload)
    if error is not None:
        return judged(error[0], reply.status, error[1], scrubber)
    # The text of a page that is not the API's answers no question and may quote anything: it is not repeated.
    return None if reply.is_success else judged(None, reply.status, "", scrubber)


def _accepted(payload: object, status: int) -> SingleReading:
    raw = _as_mapping(payload)
    msg_id = msg_id_of(raw.get("msg_id"))
    fault = None if msg_id else _unreadable(status, "a success without msg_id")
    return SingleReading(fault, msg_id, str(raw.get("request_id") or ""), raw)


def _target(target: str, entry: object, status: int, scrubber: Scrubber, shared: _Shared) -> TargetResult:
    if isinstance(entry, dict):
        # The usual case first: a batch has hundreds of them.
        if entry.get("success") is True and type(entry.get("msg_id")) is int and len(entry) == PLAIN_MEMBERS:
            return TargetResult(msg_id_of(entry["msg_id"])) if entry["msg_id"] else _silent(status)
        error = error_in(entry)
        if error is not None:
            return _refused(target, error, status, scrubber, shared)
        msg_id = msg_id_of(entry.get("msg_id"))
        if msg_id and entry.get("success") is not False:
            return TargetResult(msg_id)
    return _silent(status)


def _silent(status: int) -> TargetResult:
    return TargetResult("", _unreadable(status, "a result that says neither accepted nor why not"))


def _refused(
    target: str, error: tuple[int | None, str], status: int, scrubber: Scrubber, shared: _Shared
) -> TargetResult:
    """Give the result of a refused target; 500 equal refusals, as under throttling, are one value."""
    code, text = error
    if target in text:
        return TargetResult("", judged(code, status, text, scrubber, target))
    result = shared.get(error)
    if result is None:
        result = shared[error] = TargetResult("", judged(code, status, text, scrubber))
    return result


def _app(value: Json, status: int, scrubber: Scrubber) -> SingleReading:
    error = error_in(value)
    if error is not None:
        return SingleReading(judged(error[0], status, error[1], scrubber), raw=value)
    return _accepted(value, status)


def _unreadable(status: int, what: str) -> Fault:
    return Fault(ErrorClass.AMBIGUOUS, None, status, what, maybe_sent=True)


def _is_bare_success(body: bytes) -> bool:
    return body.strip().strip(b'"').lower() in {b"", b"success", b"{}"}


def _rate_limited(raw: Json) -> bool:
    info = raw.get("rate_limit_info")
    return isinstance(info, dict) and str(info.get("rate_limit_occurred")).lower() in {"true", "1"}


def _as_mapping(payload: object) -> Json:
    return payload if isinstance(payload, dict) else _NOTHING


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _code(value: object) -> int | None:
    """Read a vendor code, a number or its digits; what is too small to be one (0, a repeated HTTP status) is none."""
    if isinstance(value, str) and value.isascii() and value.strip().isdecimal() and len(value) <= _CODE_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if value >= SMALLEST_VENDOR_CODE else None
