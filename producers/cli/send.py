"""`pushctl send`: one push for one device or alias."""

from typing import Annotated, Any

import typer

from .. import ids
from ..contract import Lane
from ..errors import BrokerUnavailable, shortened
from ..intake import now_ms
from ..outcomes import State
from ..producer import Producer
from ..receipts import Receipt
from .content import composed, read_platforms
from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, Wait, open_producer, read_object, read_push_id
from .outcome import answered, find_outcome
from .output import Answer

EPILOG = """\b
Examples:
  pushctl send --app shop --registration-id 1a0018970a8b2c3d --alert 'Your parcel is here'
  pushctl send --app shop --alias user_42 --title Parcel --alert 'It is here' --platform android
  pushctl send --app shop --alias user_42 --message @message.json --idempotency-key order-7
  pushctl send --app shop --alias user_42 --alert 'Code 123456' --lane urgent --expires-in 120 --wait 10

JSON is given as it is, as @FILE, or as - for stdin. When Redis does not answer, the error says whether the push may
have been stored, and the push_id to repeat the same command with: repeating it is safe."""

JsonObject = dict[str, Any]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send", epilog=EPILOG)(send)


def send(  # noqa: PLR0913 - one parameter per option
    app: AppName,
    registration_id: Annotated[str | None, typer.Option(metavar="ID", help="The device.")] = None,
    alias: Annotated[str | None, typer.Option(metavar="ALIAS", help="Or the alias.")] = None,
    alert: Annotated[str | None, typer.Option(metavar="TEXT", help="The text to show.")] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Its title; goes with --alert.")] = None,
    extras: Annotated[
        JsonObject | None, typer.Option(metavar="JSON", parser=read_object, help="Its extras; go with --alert.")
    ] = None,
    notification: Annotated[
        JsonObject | None,
        typer.Option(metavar="JSON", parser=read_object, help="A whole notification, instead of the three above."),
    ] = None,
    message: Annotated[
        JsonObject | None, typer.Option(metavar="JSON", parser=read_object, help="Or a custom message.")
    ] = None,
    platform: Annotated[
        str, typer.Option(metavar="NAMES", help="all, or some of android,ios,hmos joined by commas.")
    ] = "all",
    options: Annotated[
        JsonObject | None, typer.Option(metavar="JSON", parser=read_object, help="The options of the API.")
    ] = None,
    lane: Annotated[str, typer.Option(metavar="LANE", help=" or ".join(Lane) + ".")] = Lane.TRANSACTIONAL,
    expires_in: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="After this it is not worth sending.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="A repeat with the same key is the same push.")
    ] = None,
    push_id: Annotated[
        str | None,
        typer.Option(metavar="ID", parser=read_push_id, help="To repeat a send: the push_id of its error."),
    ] = None,
    wait: Wait = None,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the whole target.")] = False,
    as_json: AsJson = False,
) -> Answer:
    """Store one push, and show its receipt. With --wait: also its outcome, and exit 1 unless it is accepted."""
    if push_id and idempotency_key:
        raise typer.BadParameter("goes without --idempotency-key, which makes a repeat safe by itself")
    platforms = read_platforms(platform)
    push: dict[str, Any] = {
        "app": app,
        "registration_id": registration_id,
        "alias": alias,
        "notification": composed(notification, alert, title, extras, platforms),
        "message": message,
        "platform": platforms,
        "options": options,
        "lane": lane,
        "expires_in": expires_in,
        "idempotency_key": idempotency_key,
        "push_id": push_id,
    }
    receipt = _store(open_producer(redis_url), push)
    target = registration_id or alias or ""
    fields = {
        "push_id": receipt.push_id,
        "app": receipt.app,
        "lane": receipt.lane,
        "target": target if reveal else shortened(target),
        "duplicate": receipt.duplicate,
    }
    if wait is None:
        return Answer(fields)
    status = find_outcome(receipt, wait, is_quiet=as_json)
    return answered(fields, status, is_failure=status.state is not State.ACCEPTED)


def _store(producer: Producer, push: dict[str, Any]) -> Receipt:
    # The id is chosen here, so that there is one to repeat with even if Redis never answers.
    key = push["idempotency_key"]
    push_id = ids.derive_push_id(push["app"], key) if key else push["push_id"] or _new_push_id()
    try:
        return producer.send(**push | {"push_id": None if key else push_id})
    except BrokerUnavailable as error:
        raise BrokerUnavailable([push_id], error.maybe_stored) from error.__cause__


def _new_push_id() -> str:
    return ids.SlotAllocator().take(1).push_ids(now_ms())[0]
