"""The pieces of JSON that an item or a request is joined from, each checked as it is written."""

import hashlib
import json
import re
from typing import Any

from pydantic_core import PydanticSerializationError

from ..errors import InvalidPush
from .base import VendorModel
from .json_values import NotJson, invalid_unicode_path, json_copy
from .options import NO_OPTIONS, Options
from .payload import Platform

BODY_BYTES = 4000
"""Grade A, 21005."""

CUSTOM_ARGS_CHARACTERS = 128
"""Grade A; we count the characters of its JSON."""

INVALID_UNICODE = "cannot be written as JSON: invalid Unicode"

quoted = json.encoder.encode_basestring
_cid = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


def model_json(model: VendorModel, name: str) -> bytes:
    """The object under its API names, without absent fields.

    Raises:
        InvalidPush: a string is no valid Unicode.
    """
    try:
        return model.__pydantic_serializer__.to_json(model, by_alias=True, exclude_none=True)
    except PydanticSerializationError:
        path = invalid_unicode_path(model.model_dump(by_alias=True, exclude_none=True))
        reason = INVALID_UNICODE if path else f"{INVALID_UNICODE}, or changed after the model was built"
        raise InvalidPush(".".join([name, *path]), reason) from None


def options_members(options: Options, environment: bool | None) -> bytes:
    """The members of the options that precede the cid, each with its comma; no time to live among them."""
    members = b"" if options is NO_OPTIONS else _options_json(options)
    if environment is not None:
        members += b'"apns_production":true,' if environment else b'"apns_production":false,'
    return members


def _options_json(options: Options) -> bytes:
    if options.time_to_live is not None:
        options = options.model_copy(update={"time_to_live": None})
    text = model_json(options, "options")
    return b"" if text == b"{}" else text[1:-1] + b","


def check_size(encoded: dict[str, bytes]) -> None:
    """Payloads of more than 4000 bytes together are refused.

    Raises:
        InvalidPush: the field is the name of the payload.
    """
    size = sum(map(len, encoded.values()))
    if size > BODY_BYTES:
        raise InvalidPush(" + ".join(encoded), f"is {size} bytes of JSON; at most {BODY_BYTES} (21005): shorten it")


def custom_args_member(value: dict[str, Any] | str | None) -> bytes:
    """The `custom_args` member with its comma, or nothing.

    Raises:
        InvalidPush: field `custom_args`, or a path below it.
    """
    if value is None:
        return b""
    if not isinstance(value, dict | str):
        raise InvalidPush("custom_args", "must be an object (a dict) or a string")
    try:
        text = json.dumps(json_copy(value), ensure_ascii=False, separators=(",", ":"))
        encoded = text.encode()
    except NotJson as finding:
        raise InvalidPush(".".join(["custom_args", *finding.path]), finding.reason) from None
    except UnicodeEncodeError:
        raise InvalidPush("custom_args", INVALID_UNICODE) from None
    if len(text) > CUSTOM_ARGS_CHARACTERS:
        raise InvalidPush("custom_args", f"is {len(text)} characters of JSON; at most {CUSTOM_ARGS_CHARACTERS}")
    return b'"custom_args":' + encoded + b","


def json_text(value: str, name: str) -> str:
    """A non-empty string as JSON.

    Raises:
        InvalidPush: field `name`.
    """
    if not isinstance(value, str) or not value:
        raise InvalidPush(name, "must be a non-empty string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidPush(name, INVALID_UNICODE) from None
    return quoted(value)


def one_or_list(platform: Platform) -> str:
    """Batch items document a single string; several platforms go as an array, as in the vendor's SDK tests (B)."""
    names = platform.names
    return quoted(names[0]) if len(names) == 1 else _list_of(names)


def all_or_list(platform: Platform) -> str:
    """Push requests document "all" or an array (A)."""
    return '"all"' if platform.names == ("all",) else _list_of(platform.names)


def _list_of(names: tuple[str, ...]) -> str:
    return "[" + ",".join(map(quoted, names)) + "]"


def checked_cid(cid: str) -> bytes:
    """The cid as it stands in JSON, which needs no escapes.

    Raises:
        InvalidPush: field `options.cid`.
    """
    if not _cid(cid):
        raise InvalidPush("options.cid", "must be 1 to 64 letters, digits, underscores or hyphens (23003)")
    return cid.encode()


def canonical_digest(document: bytes) -> str:
    """A short hash that does not depend on the order of keys."""
    canonical = json.dumps(json.loads(document), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
