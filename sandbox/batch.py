"""Batch push by registration id and by alias (API reference, section 2.3).

The hot path of every benchmark: results are joined strings and deliveries go to the log in columns.
"""

from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from sandbox.calls import Answer, Call, error_entry, read_object
from sandbox.deliveries import Row
from sandbox.errors import ApiError
from sandbox.population import device_of_alias, platform_of
from sandbox.rules.audience import check_name
from sandbox.rules.item import check_item
from sandbox.settings import Settings
from sandbox.world import App

ITEMS_MAX = 500

Locate = Callable[[str, Settings], tuple[str, int]]
"""target -> (device, its platform bit), or the code that says why there is none."""


def push_to_registration_ids(call: Call, app: App) -> Answer:
    """POST /v4/batch/push/regid."""
    return _answer_batch(call, app, _device_of_registration_id)


def push_to_aliases(call: Call, app: App) -> Answer:
    """POST /v4/batch/push/alias."""
    return _answer_batch(call, app, _device_of_alias)


def _device_of_registration_id(target: str, _settings: Settings) -> tuple[str, int]:
    platform = platform_of(target)
    if not platform:
        raise ApiError(20101)
    return target, platform


def _device_of_alias(target: str, settings: Settings) -> tuple[str, int]:
    check_name(target, "target", settings)
    device = device_of_alias(target)
    if device is None:
        raise ApiError(21011)
    return device, platform_of(device)


def _answer_batch(call: Call, app: App, locate: Locate) -> Answer:
    try:
        items = _read_items(call)
    except ApiError:
        call.meter_whole(app, 1)
        raise
    free = _free_items(call, app, items)
    left = app.admit(call.moment, len(items), len(free))
    passing, throttled = _split(items, free, left)
    parts = _push_items(call, app, passing, locate)
    parts += [_failed(app, item["target"], ApiError(23008)) for item in throttled]
    limit = f',"rate_limit_info":{{"rate_limit_occurred":true,"message":"{_LIMIT_TEXT}"}}' if throttled else ""
    return Answer(200, f'{{"results":{{{",".join(parts)}}}{limit}}}'.encode())


_LIMIT_TEXT = "QPS limit reached for some targets"


def _read_items(call: Call) -> list[dict[str, Any]]:
    """The items, refused as a whole when the call itself is wrong (codes unknown; these are our choice)."""
    items = read_object(call.body).get("requests")
    if not items:
        raise ApiError(21002, "requests")
    if not isinstance(items, list) or len(items) > ITEMS_MAX:
        raise ApiError(21016, f"requests must be an array of at most {ITEMS_MAX}")
    try:
        targets = {item["target"] for item in items}
    except KeyError:
        raise ApiError(21002, "requests.target") from None
    except TypeError:
        raise ApiError(21016, "requests.target") from None
    if len(targets) != len(items):
        raise ApiError(21003, "a target stands twice in the batch")
    if set(map(type, targets)) != {str}:
        raise ApiError(21016, "requests.target")
    return items


def _free_items(call: Call, app: App, items: list[dict[str, Any]]) -> set[int]:
    """Positions of the items that cost nothing: repeats, when the setting says that these are free."""
    if call.settings.cid_hits_cost == "on":
        return set()
    options = [item.get("options") for item in items]
    cids = [entry.get("cid") if isinstance(entry, dict) else None for entry in options]
    memory = call.cids(app)
    return {index for index, cid in enumerate(cids) if isinstance(cid, str) and memory.first_msg_id(cid) is not None}


def _split(items: list[dict[str, Any]], free: set[int], left: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first targets pass while units are left; free ones always do."""
    if not free:
        return items[:left], items[left:]
    passing, throttled = [], []
    for index, item in enumerate(items):
        if index in free:
            passing.append(item)
        elif left > 0:
            left -= 1
            passing.append(item)
        else:
            throttled.append(item)
    return passing, throttled


def _push_items(call: Call, app: App, items: list[dict[str, Any]], locate: Locate) -> list[str]:
    """Send each item and return its entry of `results`."""
    settings, cids, parts = call.settings, call.cids(app), []
    rows: list[Row] = []
    next_id = call.world.ids.reserve(call.moment.now, len(items))
    for item in items:
        target = item["target"]
        try:
            device, platform = locate(target, settings)
            platforms, content, cid = check_item(item, settings)
            if not platform & platforms:
                raise ApiError(21011)
        except ApiError as error:
            parts.append(_failed(app, target, error))
            continue
        msg_id = cids.first_msg_id(cid)
        if msg_id is None:
            msg_id, next_id = next_id, next_id + 1
            rows.append((device, target, cid, msg_id, content))
            cids.remember(cid, msg_id)
        else:
            app.tally.cid_hits += 1
        name = quote(target)
        parts.append(f'{name}:{{"target":{name},"success":true,"msg_id":{msg_id}}}')
    app.log.add(call.operation, call.moment.now, rows)
    return parts


def _failed(app: App, target: str, error: ApiError) -> str:
    app.tally.errors[error.code] += 1
    name, entry = quote(target), error_entry(error)["error"]
    return (
        f'{name}:{{"target":{name},"success":false,"error":'
        f'{{"code":{entry["code"]},"message":{quote(entry["message"])}}}}}'
    )
