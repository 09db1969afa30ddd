"""A username and its secret, which show themselves to nobody but the Authorization header."""

import base64
from typing import NoReturn


class Credentials:
    """HTTP Basic credentials; the header is built once. Source: REST API overview, grade A.

    Neither `repr` nor pickling gives the secret away: pickling is refused.
    """

    __slots__ = ("_secret", "authorization", "username")

    def __init__(self, username: str, secret: str) -> None:
        """Check and keep the pair.

        Raises:
            ValueError: one of them is empty or contains what no header can carry; the message names which.
        """
        for name, value in (("app_key", username), ("master_secret", secret)):
            if not value or not value.isascii() or not value.isprintable() or value != value.strip():
                raise ValueError(f"{name}: must be printable ASCII without spaces around it, and not empty")
        if ":" in username:
            raise ValueError("app_key: must not contain a colon")
        self.username = username
        self._secret = secret
        self.authorization = "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()

    @classmethod
    def of_group(cls, group_key: str, group_secret: str) -> "Credentials":
        """Build the pair for group push, whose username is the key with `group-` before it (group-push-api, A)."""
        return cls("group-" + group_key.removeprefix("group-"), group_secret)

    @property
    def unspeakable(self) -> tuple[str, ...]:
        """Texts that must appear in no message; the longest first."""
        token = self.authorization.removeprefix("Basic ")
        key = self.username.removeprefix("group-")
        return (token, self._secret, key)

    def __repr__(self) -> str:
        """Show that there are credentials, and nothing of them."""
        return "Credentials(***)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be written into a message or a file."""
        raise TypeError("credentials are not pickled: build them where they are used")
