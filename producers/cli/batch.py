"""`pushctl batch`: many pushes, each to one target, from a file or from stdin."""

import json
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer

from ..contract import Kind, Lane
from ..errors import BrokerUnavailable, InvalidPush, shortened
from ..models.limits import DEFAULT_LIMITS
from ..outcomes import State
from ..profiles import Profile
from ..receipts import Receipt, WaitTimeout
from ..requests import Request, batch_request
from ..sends import Send
from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, Wait, open_producer, read_text
from .output import DONE, FAILED, Answer
from .send import LaneName, Reveal, chosen_id
from .show import ApnsProduction, BaseUrl, RegionName, Show, ShowingCommand, read_showing

MOST_SHOWN = 500
"""Items of one batch call."""
EPILOG = """\b
Examples:
  pushctl batch --app shop --items @pushes.jsonl
  pushctl batch --app shop --by alias --items @pushes.json --wait 30 --json
  generate | pushctl batch --app shop --items -
  pushctl batch --app shop --items @pushes.json --show node

An item is what the API takes: {"target": "1a0018970a8b2c3d", "platform": "android", "notification": {"alert": "hi"}},
with message, options and custom_args where needed. Items come as a JSON array or as one object per line, and need not
fit into one call. A wrong item stops no other; the exit code is 1 if any was refused (with --wait: not accepted)."""


class By(StrEnum):
    """What the targets of a batch are."""

    REGISTRATION_ID = "registration_id"
    ALIAS = "alias"


def read_items(text: str) -> list[dict[str, Any]]:
    """A JSON array of objects, or an object per line; as it is, as @FILE or as - for stdin."""
    source = read_text(text)
    try:
        whole = source.lstrip().startswith("[")
        items = json.loads(source) if whole else [json.loads(line) for line in source.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise typer.BadParameter("is neither a JSON array nor one JSON object per line") from None
    if not items or not all(isinstance(item, dict) for item in items):
        raise typer.BadParameter('must hold objects, such as {"target": "…", "notification": {"alert": "hi"}}')
    return list(items)


Items = Annotated[Any, typer.Option(metavar="JSON", parser=read_items, help="The items: JSON, @FILE, or - for stdin.")]
Addressed = Annotated[By, typer.Option("--by", metavar="KIND", help="What the targets are: registration_id or alias.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("batch", cls=ShowingCommand, epilog=EPILOG)(batch)


def batch(  # noqa: PLR0913 - one parameter per option
    *,
    app: AppName,
    items: Items,
    by: Addressed = By.REGISTRATION_ID,
    lane: LaneName = Lane.TRANSACTIONAL,
    wait: Wait = None,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    reveal: Reveal = False,
    show: Show = None,
    region: RegionName = None,
    base_url: BaseUrl = None,
    apns_production: ApnsProduction = None,
    as_json: AsJson = False,
) -> Answer | int:
    """Store many pushes, each to its own target, and tell what became of each."""
    showing = read_showing(show, region, base_url, apns_production, wait)
    if showing is not None:
        return showing.answer(_request(showing.profile(app), items, by), as_json=as_json)
    results = open_producer(redis_url).batch(items, app=app, by=by.value, lane=lane).results
    rows = [
        {"target": target if reveal else shortened(target), **_row(result)}
        for target, result in zip(_targets(items), results, strict=True)
    ]
    if wait is not None:
        _await(rows, results, wait)
    stored = sum(isinstance(result, Receipt) for result in results)
    is_done = stored == len(rows) and (wait is None or all(row["state"] == State.ACCEPTED.word for row in rows))
    fields = {"app": app, "lane": lane, "stored": stored, "refused": len(rows) - stored, "results": rows}
    return Answer(fields, DONE if is_done else FAILED)


def _targets(items: Iterable[dict[str, Any]]) -> list[str]:
    return [target if isinstance(target := item.get("target"), str) else "" for item in items]


def _row(result: Receipt | Exception) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("push_id", "state", "code", "error", "field", "message"))
    if isinstance(result, Receipt):
        return row | {"push_id": result.push_id}
    row |= {"error": type(result).__name__, "message": str(result)}
    if isinstance(result, InvalidPush):
        row["field"] = result.field
    if isinstance(result, BrokerUnavailable):
        row["push_id"] = result.push_id
    return row


def _await(rows: list[dict[str, Any]], results: Iterable[Receipt | Exception], seconds: float) -> None:
    until = time.monotonic() + seconds
    for row, result in zip(rows, results, strict=True):
        if not isinstance(result, Receipt):
            continue
        try:
            status = result.wait(max(0.0, until - time.monotonic()))
        except WaitTimeout as late:
            status = late.status
        row |= {"state": status.state.word, "code": status.code or None, "message": status.message or None}


def _request(profile: Profile, items: list[dict[str, Any]], by: By) -> Request:
    if len(items) > MOST_SHOWN or len(set(_targets(items))) < len(items):
        raise typer.BadParameter(
            f"takes at most {MOST_SHOWN} items, each with a target of its own", param_hint="'--show'"
        )
    encoded = []
    for item in items:
        send = Send.read({by.value: item.get("target"), **{name: item[name] for name in item if name != "target"}})
        _, target = send.addressed()
        encoded.append(send.encode(profile, DEFAULT_LIMITS).item(target, chosen_id(profile.app, None, None)))
    return batch_request(Kind.REGID if by is By.REGISTRATION_ID else Kind.ALIAS, encoded)
