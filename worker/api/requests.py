"""From what a caller hands over, a mapping or a pydantic model, to the bytes of a body and the targets in it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

MAX_BATCH = 500
"""Targets of a batch call (batch-single-api, grade A)."""


class Model(Protocol):
    """A pydantic model, without needing pydantic."""

    def model_dump(self, *, by_alias: bool, exclude_none: bool) -> dict[str, Any]:
        """Give the model as plain values."""


Request = Mapping[str, Any] | Model


def plain(request: Request) -> Mapping[str, Any]:
    """Give a request as a mapping."""
    return request if isinstance(request, Mapping) else request.model_dump(by_alias=True, exclude_none=True)


def encode(value: Mapping[str, Any]) -> bytes:
    """Encode a body.

    Raises:
        TypeError, ValueError: it cannot be written as JSON.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def audience_targets(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the registration ids and aliases that a push names."""
    to = request.get("to")
    if not isinstance(to, Mapping):
        return ()
    return tuple(str(t) for key in ("registration_id", "alias") for t in _listed(to.get(key)))


def batch_items(items: Iterable[Request]) -> tuple[list[Mapping[str, Any]], tuple[str, ...]]:
    """Check the items of a batch and give them with their targets.

    Raises:
        ValueError: none, more than 500, one without a target, or a target twice; the message names the item by number.
    """
    requests = [plain(item) for item in items]
    if not 1 <= len(requests) <= MAX_BATCH:
        raise ValueError(f"items: {len(requests)} given, a batch takes 1 to {MAX_BATCH}")
    seen: dict[str, int] = {}
    for number, request in enumerate(requests):
        target = request.get("target")
        if not isinstance(target, str) or not target:
            raise ValueError(f"items[{number}].target: must be a registration id or an alias")
        if target in seen:
            raise ValueError(f"items[{number}].target: the same as in items[{seen[target]}]; a batch takes each once")
        seen[target] = number
    return requests, tuple(seen)


def _listed(value: object) -> Sequence[object]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, Sequence) else ()
