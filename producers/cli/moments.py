"""Moments on the command line: an instant, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

import typer

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_moment(text: str) -> datetime:
    """`2h` (ago; s, m, h or d), or an ISO 8601 instant, in UTC unless it names a zone."""
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter("must be such as 2h (s, m, h or d), or 2026-01-31T12:00+00:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
