"""HTTP Basic authentication with the documented codes (API reference, section 1.2)."""

import base64
import binascii
from collections.abc import Iterable

from sandbox.errors import ApiError
from sandbox.world import App, Credential, World

GROUP_PREFIX = "group-"


def app_of(world: World, headers: Iterable[tuple[bytes, bytes]]) -> App:
    """The app whose AppKey and Master Secret the call carries."""
    key, secret = _basic(headers)
    app = world.apps.get(key)
    if app is None or app.secret != secret:
        raise ApiError(21004)
    return app


def group_of(world: World, headers: Iterable[tuple[bytes, bytes]]) -> Credential:
    """The group whose key and secret the call carries."""
    key, secret = _basic(headers)
    if key != GROUP_PREFIX + world.group.key or secret != world.group.secret:
        raise ApiError(21004, "group key or group secret")
    return world.group


def _basic(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
    scheme, _, encoded = _authorization(headers).partition(" ")
    if not encoded.strip():
        raise ApiError(27001)
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ApiError(21004, "not base64") from None
    key, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise ApiError(21004, "not HTTP Basic")
    if not key or not secret:
        raise ApiError(27001)
    if any(character.isspace() for character in key):
        raise ApiError(21008)
    return key, secret


def _authorization(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == b"authorization"), "")
