"""The languages a request can be printed in."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from . import curl, go, java, node, python
from .request import HEADERS, Request


class Dialect(StrEnum):
    """What the printed program is run with."""

    CURL = "curl"
    PYTHON = "python"
    NODE = "node"
    JAVA = "java"
    GO = "go"


_RENDERERS: dict[Dialect, Callable[[Request, str], str]] = {
    Dialect.CURL: curl.render,
    Dialect.PYTHON: python.render,
    Dialect.NODE: node.render,
    Dialect.JAVA: java.render,
    Dialect.GO: go.render,
}


def render(request: Request, dialect: Dialect, base_url: str) -> str:
    """The request as a program that ends with a newline and is to be stored as UTF-8.

    `base_url` has passed `check_base_url`, or is that of a `Region`.
    """
    return _RENDERERS[dialect](request, base_url)


def described(request: Request, base_url: str) -> dict[str, Any]:
    """The request as plain values; `body` is its exact text, or None."""
    return {
        "method": request.method,
        "url": base_url + request.path,
        "headers": {**HEADERS, "Authorization": f"Basic base64({request.login})"},
        "body": request.text,
    }
