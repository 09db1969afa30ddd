"""Group push (API reference, section 2.4): one push to every app of the group, failures per app inside HTTP 200."""

from sandbox.calls import Answer, Call, Json, answer_json, error_entry, read_object
from sandbox.errors import ApiError
from sandbox.push import send
from sandbox.rules.audience import reach
from sandbox.rules.push import CheckedPush, check_push
from sandbox.world import App


def create_group_push(call: Call) -> Answer:
    """POST /v4/grouppush. A malformed payload is refused as a whole and costs nothing (assumption)."""
    push = check_push(read_object(call.body), call.settings)
    if "override_msg_id" in push.options:
        raise ApiError(21015, "override_msg_id is not supported in group push")
    results: Json = {"group_msgid": str(call.world.ids.reserve(call.moment.now, 1))}
    for app in list(call.world.apps.values()):
        results[app.key] = _push_to_app(call, app, push)
    return answer_json(results)


def _push_to_app(call: Call, app: App, push: CheckedPush) -> Json:
    app.tally.requests[call.operation] += 1
    try:
        call.world.faults.refuse_member(call.operation, app.key)
        call.meter_whole(app, 1)
        msg_id = _send_once(call, app, push)
    except ApiError as error:
        app.tally.errors[error.code] += 1
        return error_entry(error)
    return {"request_id": push.request_id, "msg_id": str(msg_id)}


def _send_once(call: Call, app: App, push: CheckedPush) -> int:
    """Send, unless the setting `group_cid` lets the cid memory answer."""
    honours_cid = call.settings.group_cid == "on"
    first = call.cids(app).first_msg_id(push.cid) if honours_cid else None
    if first is not None:
        app.tally.cid_hits += 1
        return first
    msg_id = send(call, app, push, reach(push.to, push.platforms, call.settings))
    if honours_cid:
        call.cids(app).remember(push.cid, msg_id)
    return msg_id
