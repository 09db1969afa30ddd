"""What is asked of the API: everything of an HTTP request but where it goes and the secret."""

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Credentials = Literal["app", "group"]

HEADERS = MappingProxyType(
    {
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "engagelab-push-worker",
    }
)
"""What the workers send with every request, besides the credentials."""

# RFC 3986 without the square brackets, which curl would expand.
_path = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*").fullmatch


@dataclass(frozen=True, slots=True)
class Login:
    """Where a printed program finds its credentials: two environment variables, and what stands before the key."""

    key_variable: str
    secret_variable: str
    prefix: str = ""

    def __str__(self) -> str:
        """The user and the secret as a shell writes them."""
        return f"{self.prefix}${self.key_variable}:${self.secret_variable}"


_LOGINS: dict[Credentials, Login] = {
    "app": Login("APP_KEY", "MASTER_SECRET"),
    "group": Login("GROUP_KEY", "GROUP_SECRET", prefix="group-"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API. `body` is JSON in UTF-8 and goes out byte by byte; None for a request without one.

    Parameters are part of `path`, percent-encoded. `credentials` says whose: those of an app, or of a group of apps.

    Raises:
        ValueError: the method, the path or the body cannot be written as a request; the body is never repeated.
    """

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    credentials: Credentials = "app"

    def __post_init__(self) -> None:
        if not (self.method.isascii() and self.method.isalpha() and self.method.isupper()):
            raise ValueError("method: must be an HTTP method in capitals, such as POST")
        if _path(self.path) is None:
            raise ValueError("path: must start with a slash and be percent-encoded")
        if "\0" in (self.text or ""):
            raise ValueError("body: must not contain a NUL")

    @property
    def text(self) -> str | None:
        """The body as text."""
        try:
            return None if self.body is None else self.body.decode()
        except UnicodeDecodeError:
            raise ValueError("body: must be UTF-8") from None

    @property
    def login(self) -> Login:
        """Where the credentials come from."""
        return _LOGINS[self.credentials]
