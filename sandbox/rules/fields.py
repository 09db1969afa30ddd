"""Types of JSON values. One table per object of the API reference, section 2.1, is checked with `check_fields`."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.errors import ApiError

Types = tuple[type, ...]

TEXT: Types = (str,)
WHOLE: Types = (int,)
FLAG: Types = (bool,)
OBJECT: Types = (dict,)
ARRAY: Types = (list,)
TEXT_OR_OBJECT: Types = (str, dict)
TEXT_OR_WHOLE: Types = (str, int)
NUMBER: Types = (int, float)


def check_type(value: Any, allowed: Types, name: str) -> None:
    """Refuse another JSON type with 21016. Exact types, because a JSON true is not a number."""
    if type(value) not in allowed:
        raise ApiError(21016, f"{name} must be {' or '.join(kind.__name__ for kind in allowed)}")


def check_fields(value: Any, table: Mapping[str, Types], name: str, unknown: str) -> dict[str, Any]:
    """Check an object against its table. `unknown` is the setting `unknown_fields`."""
    check_type(value, OBJECT, name)
    checked: dict[str, Any] = value
    for key, content in checked.items():
        allowed = table.get(key)
        if allowed is None:
            if unknown == "refuse":
                raise ApiError(21015, f"{name}.{key}")
        elif type(content) not in allowed:
            check_type(content, allowed, f"{name}.{key}")
    return checked


def require(value: Mapping[str, Any], key: str, name: str) -> Any:
    """The value of a required field, or 21002."""
    if key not in value:
        raise ApiError(21002, f"{name}.{key}" if name else key)
    return value[key]


def check_range(value: Mapping[str, Any], key: str, low: int, high: int, name: str) -> None:
    """Refuse a present number outside [low, high] with 21003."""
    if key in value and not low <= value[key] <= high:
        raise ApiError(21003, f"{name}.{key} must be {low} to {high}")


def check_choice(value: Mapping[str, Any], key: str, choices: tuple[Any, ...], name: str) -> None:
    """Refuse a present value outside the choices with 21003."""
    if key in value and value[key] not in choices:
        raise ApiError(21003, f"{name}.{key} must be one of {list(choices)}")


def size_of(value: Any) -> int:
    """Bytes of the value as compact UTF-8 JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
