"""Where the API lives. Data centres are isolated from each other: an AppKey exists in exactly one.

Source: REST API overview (sgp, usva, defra, hk: grade A) and the SDKs (jpn, bra: grade B).
"""

from enum import StrEnum
from urllib.parse import urlsplit


class Region(StrEnum):
    """The data centres."""

    SGP = "sgp"
    USVA = "usva"
    DEFRA = "defra"
    HK = "hk"
    JPN = "jpn"
    BRA = "bra"

    @property
    def base_url(self) -> str:
        """Scheme and host."""
        return f"https://pushapi-{self}.engagelab.com"


def check_base_url(base_url: str) -> str:
    """Check a base URL and take off its last slash.

    Raises:
        ValueError: not an http(s) URL of a host alone; the message does not repeat it, it may hold a password.
    """
    problem = ValueError("must be like https://pushapi-sgp.engagelab.com, nothing after the host")
    try:
        parts = urlsplit(base_url)
        is_host_alone = parts.hostname and not (parts.path.strip("/") or parts.query or parts.fragment)
        # Reading the port is what checks it.
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        raise problem from None
    is_plain = base_url.isascii() and base_url.isprintable() and not set(base_url) & set(" @\"'`$\\<>{}|^?#")
    if parts.scheme not in {"http", "https"} or not (is_host_alone and is_port and is_plain):
        raise problem
    return base_url.rstrip("/")
