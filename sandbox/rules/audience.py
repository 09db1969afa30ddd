"""`to`: who is meant (API reference, section 2.1.1), and which devices of the population that is."""

import json
import re
from typing import Any

from sandbox.errors import ApiError
from sandbox.population import audience_exists, device_of_alias, platform_of
from sandbox.rules.fields import ARRAY, OBJECT, TEXT, Types, check_type
from sandbox.settings import Settings

Reached = list[tuple[str, str]]
"""(device, target) of each device that the push is for."""

_LISTS = ("registration_id", "alias", "tag", "tag_and", "tag_not")
_KINDS: dict[str, Types] = {**dict.fromkeys(_LISTS, ARRAY), "seg": OBJECT, "live_activity_id": TEXT}
_TAGS_MAX = 20
_NAME_MAX_BYTES = 40
_DOCUMENTED_NAME = re.compile(r"[A-Za-z0-9_\u4e00-\u9fff]+")


def check_audience(to: Any, settings: Settings) -> None:
    """Refuse a malformed `to`. Whether anybody is there is the question of `reach`."""
    if to == "all":
        return
    if not isinstance(to, dict):
        raise ApiError(21016, 'to must be "all" or an object')
    if not any(to.values()):
        raise ApiError(21002, "to has no target")
    for key, value in to.items():
        if key not in _KINDS:
            raise ApiError(21015, f"to.{key}")
        check_type(value, _KINDS[key], f"to.{key}")
    for key in _LISTS:
        _check_list(to.get(key, []), key, settings)
    if "seg" in to and not isinstance(to["seg"].get("id"), str):
        raise ApiError(21002, "to.seg.id")


def _check_list(names: list[Any], key: str, settings: Settings) -> None:
    most = _TAGS_MAX if key.startswith("tag") else settings.list_push_max
    if len(names) > most:
        raise ApiError(21016, f"to.{key} holds at most {most}")
    for name in names:
        check_type(name, TEXT, f"to.{key}")
        if key != "registration_id":
            check_name(name, f"to.{key}", settings)


def check_name(name: str, where: str, settings: Settings) -> None:
    """Tags and aliases: at most 40 bytes of letters, digits, underscore and Chinese."""
    if len(name) > _NAME_MAX_BYTES // 4 and len(name.encode("utf-8", "surrogatepass")) > _NAME_MAX_BYTES:
        raise ApiError(21003, f"{where} is longer than {_NAME_MAX_BYTES} bytes")
    if settings.alias_charset == "documented" and not _DOCUMENTED_NAME.fullmatch(name):
        raise ApiError(21003, f"{where} may hold letters, digits, underscore and Chinese")


def reach(to: Any, platforms: int, settings: Settings) -> Reached:
    """The devices of a checked `to`, never none: 20101 and 21011 say that nobody is there.

    An audience that is not a list of ids or aliases is one pseudo device named after it.
    """
    if to == "all":
        return [("all", "all")]
    if not _audiences_exist(to):
        raise ApiError(21011)
    reached = _registered(to.get("registration_id", []), platforms, settings) if to.get("registration_id") else []
    if to.get("alias"):
        by_alias = [pair for pair in map(device_of, to["alias"]) if pair and platform_of(pair[0]) & platforms]
        wanted = {device for device, _ in reached} if reached else None
        reached = [pair for pair in by_alias if wanted is None or pair[0] in wanted]
    elif not to.get("registration_id"):
        name = json.dumps(to, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        reached = [(f"audience:{name}", name)]
    if not reached:
        raise ApiError(21011)
    return list(dict(reached).items())


def device_of(alias: str) -> tuple[str, str] | None:
    """(device, alias) of a known alias."""
    device = device_of_alias(alias)
    return None if device is None else (device, alias)


def _audiences_exist(to: dict[str, Any]) -> bool:
    any_tag = to.get("tag") or []
    names = [*to.get("tag_and", []), *([to["seg"]["id"]] if to.get("seg") else [])]
    names += [to["live_activity_id"]] if to.get("live_activity_id") else []
    return all(map(audience_exists, names)) and (not any_tag or any(map(audience_exists, any_tag)))


def _registered(ids: list[str], platforms: int, settings: Settings) -> Reached:
    known = [name for name in ids if platform_of(name)]
    if not known or (settings.list_unknown == "refuse" and len(known) < len(ids)):
        raise ApiError(20101)
    return [(name, name) for name in known if platform_of(name) & platforms]
