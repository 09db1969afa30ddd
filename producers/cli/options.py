"""Options that several commands share, and the reading of their values."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import ids
from ..connection import DeadlineRedis
from ..producer import DEFAULT_REDIS_URL, Producer

DEADLINE_SECONDS = 5.0
"""Of one command to Redis: an operator waits rather than not knowing."""
_REDIS_ADDRESS = "must be an address that starts with redis://, rediss:// or unix://"


def read_object(text: str) -> dict[str, Any]:
    """A JSON object given on the command line, as @file, or as - for stdin. Bodies are never part of the error."""
    source = read_text(text)
    try:
        value = json.loads(source)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise typer.BadParameter(f"is not JSON{where}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter('must be a JSON object, such as \'{"alert": "hi"}\'')
    return value


def read_text(text: str) -> str:
    """A text given on the command line, as @file, or as - for stdin."""
    try:
        if text == "-":
            return sys.stdin.read()
        return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
    except OSError as error:
        raise typer.BadParameter(f"cannot read {text[1:]}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter("is not UTF-8 text") from None


def read_push_id(text: str) -> str:
    """A push id as a receipt or an error shows it."""
    if not ids.is_push_id(text):
        raise typer.BadParameter("must be the 24 characters that a receipt or an error shows")
    return text


def open_producer(redis_url: str) -> Producer:
    """A producer for that address; opens no connection yet. Never repeats the address, which may hold a password."""
    try:
        return Producer(redis_url)
    except ValueError:
        raise typer.BadParameter(_REDIS_ADDRESS, param_hint="'--redis-url'") from None


def open_redis(redis_url: str) -> DeadlineRedis:
    """Redis at that address; opens no connection yet. Never repeats the address, which may hold a password."""
    try:
        return DeadlineRedis(redis_url, deadline_seconds=DEADLINE_SECONDS)
    except ValueError:
        raise typer.BadParameter(_REDIS_ADDRESS, param_hint="'--redis-url'") from None


AppName = Annotated[str, typer.Option("--app", metavar="NAME", help="The app, by its short name.")]
RedisUrl = Annotated[
    str, typer.Option("--redis-url", metavar="URL", envvar="PUSH_REDIS_URL", help="Where Redis is.", show_default=True)
]
Wait = Annotated[
    float | None,
    typer.Option("--wait", metavar="SECONDS", min=0, help="Wait for the outcome; exit 1 unless it is accepted."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, errors included.")]

__all__ = [
    "DEFAULT_REDIS_URL",
    "AppName",
    "AsJson",
    "RedisUrl",
    "Wait",
    "open_producer",
    "open_redis",
    "read_object",
    "read_push_id",
    "read_text",
]
