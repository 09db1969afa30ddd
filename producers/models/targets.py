"""The three kinds of name that a push can be aimed at, and what each may look like."""

import re

from ..errors import InvalidPush, shortened

NAME_BYTES = 40
"""Longest alias or tag in UTF-8 bytes (grade A, tag and alias API)."""

REGISTRATION_ID_CHARACTERS = 128
"""Longest registration id. Our own limit: the vendor states none, and real ones have about 20."""

# "Chinese" is read as every CJK ideograph block; the page does not say which it means.
_CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_name = re.compile(f"[A-Za-z0-9_{_CHINESE}]+").fullmatch
_registration_id = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,128}").fullmatch


def check_registration_id(value: str) -> str:
    """The value, if it can be a registration id: 1 to 128 characters without blanks or control characters.

    The length and the characters are our own limits; that it must not be empty is the vendor's (grade A, 20101).

    Raises:
        InvalidPush: field `registration_id`.
    """
    if type(value) is str and _registration_id(value):
        return value
    raise InvalidPush("registration_id", registration_id_fault(value))


def check_alias(value: str) -> str:
    """The value, if it can be an alias: at most 40 UTF-8 bytes of letters, digits, underscore, Chinese (grade A).

    Raises:
        InvalidPush: field `alias`.
    """
    if type(value) is str and _name(value) and (len(value) <= NAME_BYTES // 4 or len(value.encode()) <= NAME_BYTES):
        return value
    raise InvalidPush("alias", name_fault(value))


def registration_id_fault(value: object) -> str:
    """Why the value is no registration id; the empty string when it is one."""
    if not isinstance(value, str):
        return f"must be a string, not {type(value).__name__}"
    if not value:
        return "must not be empty"
    if len(value) > REGISTRATION_ID_CHARACTERS:
        return f"{shortened(value)} has {len(value)} characters; at most {REGISTRATION_ID_CHARACTERS} (our own limit)"
    if not _registration_id(value):
        return "must not contain blanks, control characters or invalid Unicode"
    return ""


def name_fault(value: object) -> str:
    """Why the value is neither an alias nor a tag; the empty string when it can be one (grade A)."""
    if not isinstance(value, str):
        return f"must be a string, not {type(value).__name__}"
    if not value:
        return "must not be empty"
    if not _name(value):
        return f"{_printable(value)} may hold only letters, digits, underscore and Chinese characters"
    size = len(value.encode())
    if size > NAME_BYTES:
        return f"{shortened(value)} has {size} bytes in UTF-8; at most {NAME_BYTES}"
    return ""


def _printable(value: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in shortened(value))
