"""Free JSON inside a push: extras, alert dictionaries, custom content.

Checked when a model is built, so that an object without a JSON form fails in the caller's stack
and is named by its path, instead of being turned into some string or null on the way out.
"""

from math import isfinite
from typing import Annotated, Any

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

DEEPEST = 64
"""Levels of nesting we accept. Our own limit: deeper values are cycles or mistakes."""


LARGEST_INTEGER = 2**63 - 1
"""The vendor's SDKs hold whole numbers in 64 bits (grade B); larger ones would arrive changed, if at all."""


class NotJson(Exception):
    """A value has no JSON form; `path` leads to it from the value that was checked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def under(self, key: object) -> "NotJson":
        """The same finding, seen from one level further out."""
        self.path.insert(0, str(key))
        return self


def json_copy(value: Any, depth: int = 0) -> Any:
    """A copy made of plain JSON types only, so that later changes by the caller do not reach the push.

    Raises NotJson for bytes, NaN, infinities, whole numbers of more than 64 bits, keys that are not strings,
    and any other object.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        return _object_copy(value, depth + 1)
    return _less_common_copy(value, depth)


def _less_common_copy(value: Any, depth: int) -> Any:
    # str() of a `class E(str, Enum)` member is its name; str.__str__ is its content.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, int):
        return _within_64_bits(value)
    if isinstance(value, list | tuple):
        return _array_copy(value, depth + 1)
    if isinstance(value, dict):
        return _object_copy(value, depth + 1)
    raise NotJson(f"{type(value).__name__} has no JSON form; give a string, number, list or dict")


def _within_64_bits(value: int) -> int:
    if not -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER:
        raise NotJson("is a number of more than 64 bits; give it as a string")
    return int(value)


def _finite(value: float) -> float:
    if not isfinite(value):
        raise NotJson("JSON has no NaN and no Infinity; give a finite number or a string")
    return float(value)


def _object_copy(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    _check_depth(depth)
    copy = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotJson("keys must be strings").under(key if isinstance(key, int) else type(key).__name__)
        try:
            copy[str.__str__(key)] = json_copy(item, depth)
        except NotJson as finding:
            raise finding.under(key) from None
    return copy


def _array_copy(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    _check_depth(depth)
    copy = []
    for index, item in enumerate(value):
        try:
            copy.append(json_copy(item, depth))
        except NotJson as finding:
            raise finding.under(index) from None
    return copy


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise NotJson(f"nested deeper than {DEEPEST} levels, or contains itself")


def refusal(reason: str, path: list[str] | None = None) -> PydanticCustomError:
    """The error by which a validator of this package tells pydantic what is wrong, and where below it."""
    return PydanticCustomError("push_rule", "{reason}", {"reason": reason, "path": path or []})


def _json_value(value: Any) -> Any:
    try:
        return json_copy(value)
    except NotJson as finding:
        raise refusal(finding.reason, finding.path) from None


def _json_object(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise refusal("must be an object (a dict)")
    return _json_value(value)


def _text_or_object(value: Any) -> Any:
    if type(value) is str or value is None:
        return value
    if not isinstance(value, str | dict):
        raise refusal("must be a string or an object (a dict)")
    return _json_value(value)


Integer = Annotated[int, Field(ge=-LARGEST_INTEGER - 1, le=LARGEST_INTEGER)]
"""A whole number of 64 bits."""

JsonAny = Annotated[Any, PlainValidator(_json_value)]
"""Any JSON value."""

# Each of the two also lets None through, which means absent: PlainValidator replaces the whole check.
JsonObject = Annotated[dict[str, Any] | None, PlainValidator(_json_object)]
"""A JSON object with free keys, or None when absent."""

TextOrObject = Annotated[str | dict[str, Any] | None, PlainValidator(_text_or_object)]
"""A string or a JSON object, or None when absent."""


def invalid_unicode_path(value: Any) -> list[str]:
    """Where in a JSON value the first string stands that UTF-8 cannot write; empty when it is a key or none."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if _has_invalid_unicode(item):
                return [str(key), *invalid_unicode_path(item)]
    return []


def _has_invalid_unicode(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_invalid_unicode, value.values())) or any(map(_has_invalid_unicode, value))
    if isinstance(value, list):
        return any(map(_has_invalid_unicode, value))
    return isinstance(value, str) and value != value.encode("utf-8", "ignore").decode()
