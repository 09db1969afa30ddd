"""`pushctl send`: one push for one device or alias."""

from typing import Annotated, Any

import typer

from .. import ids
from ..contract import Lane
from ..errors import BrokerUnavailable, shortened
from ..intake import now_ms
from ..outcomes import State
from ..producer import Producer
from ..profiles import Profile
from ..receipts import Receipt
from ..requests import Request, request_of_send
from ..sends import Send, check_key, life_ms, read_lane
from ..writing import check_identity
from .content import composed, read_platforms
from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, Wait, open_producer, read_object, read_push_id
from .outcome import answered, find_outcome
from .output import Answer
from .show import ApnsProduction, BaseUrl, RegionName, Show, ShowingCommand, read_showing

EPILOG = """\b
Examples:
  pushctl send --app shop --registration-id 1a0018970a8b2c3d --alert 'Your parcel is here'
  pushctl send --app shop --alias user_42 --title Parcel --alert 'It is here' --platform android
  pushctl send --app shop --alias user_42 --message @message.json --idempotency-key order-7
  pushctl send --app shop --alias user_42 --alert 'Code 123456' --lane urgent --expires-in 120 --wait 10
  pushctl send --app shop --alias user_42 --alert 'It is here' --apns-production --show node

JSON is given as it is, as @FILE, or as - for stdin. When Redis does not answer, the error says whether the push may
have been stored, and the push_id to repeat the same command with: repeating it is safe.
With --show nothing is stored and Redis is not needed: the request that a worker would make is printed as a program. It
holds the whole target, and reads the credentials from the environment when it runs."""


def _json(text: str) -> Any:
    return typer.Option(metavar="JSON", parser=read_object, help=text)


def _text(metavar: str, text: str) -> Any:
    return typer.Option(metavar=metavar, help=text)


RegistrationId = Annotated[str | None, _text("ID", "The device.")]
Alias = Annotated[str | None, _text("ALIAS", "Or the alias.")]
Alert = Annotated[str | None, _text("TEXT", "The text to show.")]
Title = Annotated[str | None, _text("TEXT", "Its title; goes with --alert.")]
Extras = Annotated[dict[str, Any] | None, _json("Its extras; go with --alert.")]
Whole = Annotated[dict[str, Any] | None, _json("A whole notification, instead of the three above.")]
Custom = Annotated[dict[str, Any] | None, _json("Or a custom message.")]
Platform = Annotated[str, _text("NAMES", "all, or some of android,ios,hmos joined by commas.")]
ApiOptions = Annotated[dict[str, Any] | None, _json("The options of the API.")]
LaneName = Annotated[str, _text("LANE", " or ".join(Lane) + ".")]
Life = Annotated[float | None, _text("SECONDS", "After this it is not worth sending.")]
Key = Annotated[str | None, _text("KEY", "A repeat with the same key is the same push.")]
PushId = Annotated[
    str | None, typer.Option(metavar="ID", parser=read_push_id, help="To repeat a send: the push_id of its error.")
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show the whole target.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send", cls=ShowingCommand, epilog=EPILOG)(send)


def send(  # noqa: PLR0913 - one parameter per option
    *,
    app: AppName,
    registration_id: RegistrationId = None,
    alias: Alias = None,
    alert: Alert = None,
    title: Title = None,
    extras: Extras = None,
    notification: Whole = None,
    message: Custom = None,
    platform: Platform = "all",
    options: ApiOptions = None,
    lane: LaneName = Lane.TRANSACTIONAL,
    expires_in: Life = None,
    idempotency_key: Key = None,
    push_id: PushId = None,
    wait: Wait = None,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    reveal: Reveal = False,
    show: Show = None,
    region: RegionName = None,
    base_url: BaseUrl = None,
    apns_production: ApnsProduction = None,
    as_json: AsJson = False,
) -> Answer | int:
    """Store one push, and show its receipt. With --wait: also its outcome, and exit 1 unless it is accepted."""
    if push_id and idempotency_key:
        raise typer.BadParameter("--push-id goes without --idempotency-key, which makes a repeat safe by itself")
    showing = read_showing(show, region, base_url, apns_production, wait)
    platforms = read_platforms(platform)
    shown = composed(notification, alert, title, extras, platforms)
    target = {"registration_id": registration_id, "alias": alias}
    content = {"notification": shown, "message": message, "platform": platforms, "options": options}
    terms = {"expires_in": expires_in, "idempotency_key": idempotency_key}
    push: dict[str, Any] = {**target, **content, **terms}
    if showing is not None:
        return showing.answer(_request(showing.profile(app), lane, push_id, Send.read(push)), as_json=as_json)
    receipt = _store(open_producer(redis_url), push_id, {"app": app, "lane": lane, **push})
    fields = _described(receipt, registration_id or alias or "", reveal)
    if wait is None:
        return Answer(fields)
    status = find_outcome(receipt, wait, is_quiet=as_json)
    return answered(fields, status, is_failure=status.state is not State.ACCEPTED)


def _described(receipt: Receipt, target: str, reveal: bool) -> dict[str, Any]:
    return {
        "push_id": receipt.push_id,
        "app": receipt.app,
        "lane": receipt.lane,
        "target": target if reveal else shortened(target),
        "duplicate": receipt.duplicate,
    }


def _store(producer: Producer, repeated: str | None, push: dict[str, Any]) -> Receipt:
    # The id is chosen here, so that there is one to repeat with even if Redis never answers.
    key = check_key(push["idempotency_key"])
    push_id = chosen_id(push["app"], key, repeated)
    try:
        return producer.send(**push, push_id=None if key else push_id)
    except BrokerUnavailable as error:
        raise BrokerUnavailable([push_id], error.maybe_stored) from error.__cause__


def _request(profile: Profile, lane: str, repeated: str | None, send: Send) -> Request:
    # What would be refused at the send is refused here too.
    life_ms(send.expires_in, profile.max_age_ms(read_lane(lane)))
    key = check_key(send.idempotency_key)
    push_id = check_identity(profile.app, key, chosen_id(profile.app, key, repeated))
    return request_of_send(send, profile, push_id)


def chosen_id(app: str, key: str | None, repeated: str | None) -> str:
    """The id of a push: that of its key, that of the send it repeats, or a new one."""
    return ids.derive_push_id(app, key) if key else repeated or ids.SlotAllocator().take(1).push_ids(now_ms())[0]
