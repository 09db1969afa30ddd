"""Single push, its validation without sending, and recall."""

from dataclasses import dataclass

from sandbox.calls import Answer, Call, answer_json, read_object
from sandbox.deliveries import Row
from sandbox.errors import ApiError
from sandbox.msg_ids import issued_at
from sandbox.rules.audience import Reached, reach
from sandbox.rules.push import CheckedPush, check_push
from sandbox.world import App

_DAY_SECONDS = 86_400
_MSG_ID_DIGITS = 19
"""Decimal digits of a signed 64-bit number."""


def create_push(call: Call, app: App) -> Answer:
    """POST /v4/push: one unit, whoever is in the audience (a list of ids: the setting `list_push_units`)."""
    ready = _prepare(call, app)
    msg_id = ready.first_msg_id
    if msg_id is None:
        msg_id = send(call, app, ready.push, ready.reached)
        call.cids(app).remember(ready.push.cid, msg_id)
    return _accepted(ready.push.request_id, msg_id)


def validate_push(call: Call, app: App) -> Answer:
    """POST /v4/push/validate: all checks, no effect, and a msg_id that nothing else knows."""
    ready = _prepare(call, app)
    return _accepted(ready.push.request_id, call.world.ids.reserve(call.moment.now, 1))


def withdraw(call: Call, app: App) -> Answer:
    """DELETE /v4/push/withdraw/{msg_id}: once, within one day. The code for "too old" and "again" is our choice."""
    if call.settings.quota_scope == "all":
        call.meter_whole(app, 1)
    text = call.path["msg_id"]
    msg_id = int(text) if text.isascii() and text.isdigit() and len(text) <= _MSG_ID_DIGITS else -1
    if not app.log.has_msg_id(msg_id):
        raise ApiError(21003, "msg_id not exist")
    if msg_id in app.withdrawn:
        raise ApiError(21003, "msg_id is withdrawn already")
    if call.moment.now - issued_at(msg_id) > _DAY_SECONDS:
        raise ApiError(21003, "msg_id is older than one day")
    app.withdrawn.add(msg_id)
    return answer_json({"request_id": "", "msg_id": text})


@dataclass(frozen=True, slots=True)
class _Ready:
    """A push past quota and checks: either answered from the cid memory, or with its devices."""

    push: CheckedPush
    reached: Reached
    first_msg_id: int | None


def _prepare(call: Call, app: App) -> _Ready:
    """Quota first, checks second: a malformed push costs its unit too (assumption)."""
    request = _read_metered(call, app)
    push = check_push(request, call.settings)
    check_override(call, app, push)
    first = call.cids(app).first_msg_id(push.cid)
    if first is not None:
        app.tally.cid_hits += 1
        return _Ready(push, [], first)
    return _Ready(push, reach(push.to, push.platforms, call.settings), None)


def _read_metered(call: Call, app: App) -> dict[str, object]:
    try:
        request = read_object(call.body)
    except ApiError:
        call.meter_whole(app, 1)
        raise
    call.meter_whole(app, _units(call, app, request))
    return request


def _units(call: Call, app: App, request: dict[str, object]) -> int:
    """What the push costs, read from a body that nobody has checked yet."""
    body, to = request.get("body"), request.get("to")
    options = body.get("options") if isinstance(body, dict) else None
    cid = options.get("cid") if isinstance(options, dict) else None
    if call.settings.cid_hits_cost == "off" and isinstance(cid, str) and call.cids(app).first_msg_id(cid):
        return 0
    return call.settings.list_push_units if isinstance(to, dict) and to.get("registration_id") else 1


def check_override(call: Call, app: App, push: CheckedPush) -> None:
    """An override replaces a push of this app of the last day, else 1003."""
    replaced = push.options.get("override_msg_id")
    if replaced is None:
        return
    if not app.log.has_msg_id(replaced) or call.moment.now - issued_at(replaced) > _DAY_SECONDS:
        raise ApiError(1003)


def send(call: Call, app: App, push: CheckedPush, reached: Reached) -> int:
    """Deliver to the devices and return the new msg_id; remembering the cid is up to the caller."""
    msg_id = call.world.ids.reserve(call.moment.now, 1)
    rows: list[Row] = [(device, target, push.cid, msg_id, push.content) for device, target in reached]
    app.log.add(call.operation, call.moment.now, rows)
    return msg_id


def _accepted(request_id: str, msg_id: int) -> Answer:
    return answer_json({"request_id": request_id, "msg_id": str(msg_id)})
