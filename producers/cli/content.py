"""A notification from a few options. Anything finer is given as JSON."""

from typing import Any

import typer

from ..models.payload import PLATFORMS

EVERYWHERE = "all"


def read_platforms(text: str) -> str | list[str]:
    """`all`, or the names between the commas. Which names exist is for the producer to say."""
    names = [name.strip() for name in text.split(",")]
    return EVERYWHERE if names == [EVERYWHERE] else names


def composed(
    notification: dict[str, Any] | None,
    alert: str | None,
    title: str | None,
    extras: dict[str, Any] | None,
    platforms: str | list[str],
) -> dict[str, Any] | None:
    """The notification that the options ask for, or None. Only platforms that are asked for get an object.

    Raises:
        BadParameter: options that do not go together.
    """
    is_short = any(part is not None for part in (alert, title, extras))
    if notification is not None and is_short:
        raise typer.BadParameter("--notification goes without --alert, --title and --extras")
    if alert is None:
        if is_short:
            raise typer.BadParameter("--title and --extras need --alert")
        return notification
    if title is None and extras is None:
        return {"alert": alert}
    wanted = PLATFORMS if platforms == EVERYWHERE else [name for name in PLATFORMS if name in platforms]
    return {"alert": alert} | {name: _part(name, alert, title, extras) for name in wanted}


def _part(platform: str, alert: str, title: str | None, extras: dict[str, Any] | None) -> dict[str, Any]:
    part: dict[str, Any] = {"alert": alert, "title": title}
    if platform == "ios":
        # APNs takes the title inside the alert.
        part = {"alert": {"title": title, "body": alert} if title is not None else alert}
    return {name: value for name, value in (part | {"extras": extras}).items() if value is not None}
