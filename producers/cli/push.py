"""`pushctl push`: one push to an audience; and what `group-push` and `validate` share with it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from ..contract import Kind, Lane
from ..errors import BrokerUnavailable
from ..models.limits import DEFAULT_LIMITS
from ..outcomes import State
from ..producer import Producer
from ..profiles import Profile
from ..push_requests import OF_EVERY_PUSH, PushRequest
from ..receipts import Receipt
from ..requests import Credentials, Request
from ..sends import check_key, life_ms, read_lane
from ..writing import check_identity
from .content import composed, read_platforms
from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, Wait, open_producer, read_object
from .outcome import answered, find_outcome
from .output import Answer
from .send import Alert, ApiOptions, Custom, Extras, Key, LaneName, Life, Platform, PushId, Title, Whole, chosen_id
from .show import ApnsProduction, BaseUrl, RegionName, Show, ShowingCommand, read_showing

EPILOG = """\b
Examples:
  pushctl push --app shop --to '{"tag": ["news"]}' --alert 'Sale today' --platform android
  pushctl push --app shop --to all --broadcast --notification @sale.json --wait 10
  pushctl push --app shop --to '{"live_activity_id": "match-7"}' --live-activity @goal.json --platform ios
  pushctl push --app shop --to '{"alias": ["user_42"]}' --message '{"msg_content": "sync"}' --show python

An audience (--to) has registration_id, alias, tag, tag_and, tag_not, seg or live_activity_id; several of them narrow
each other. A push to all devices needs --broadcast, and an app that allows it. JSON is given as it is, as @FILE, or as
- for stdin. With --show nothing is stored and Redis is not needed: the request that a worker would make is printed as
a program."""


def read_audience(text: str) -> str | dict[str, Any]:
    """`all`, or a JSON object as other options take it."""
    return text if text == "all" else read_object(text)


def read_arguments(text: str) -> str | dict[str, Any]:
    """A JSON object where it begins as one, else the text itself."""
    return read_object(text) if text.lstrip()[:1] in ("{", "@") else text


def _json(text: str, parser: Callable[[str], Any] = read_object) -> Any:
    return typer.Option(metavar="JSON", parser=parser, help=text)


Audience = Annotated[Any, _json("Who gets it: all, or an object such as {'tag': ['news']}.", read_audience)]
Activity = Annotated[dict[str, Any] | None, _json("Or a live activity; iOS only.")]
VoipCall = Annotated[dict[str, Any] | None, _json("Or a VoIP push; iOS only.")]
Arguments = Annotated[Any, _json("Custom arguments: an object, or a text.", read_arguments)]
Sender = Annotated[str | None, typer.Option("--from", metavar="TEXT", help="The label of the sender.")]
RequestId = Annotated[str | None, typer.Option(metavar="TEXT", help="The API repeats it; the push_id unless given.")]
Broadcast = Annotated[bool, typer.Option("--broadcast", help="Yes, all devices of the app: goes with --to all.")]
Mixed = Annotated[bool, typer.Option("--allow-mixed", help="Notification and message together: let the API decide.")]
Sensitive = Annotated[bool, typer.Option("--sensitive", help="Show the body nowhere, not even as a dead letter.")]


@dataclass(frozen=True, slots=True)
class Verb:
    """What one of the three commands asks of the API and of the producer."""

    kind: Kind
    path: str
    store: Callable[..., Receipt] = Producer.push
    credentials: Credentials = "app"

    def request(self, profile: Profile, push_id: str, content: Mapping[str, Any]) -> Request:
        """The call that a worker would make. Whether the app has a group or allows broadcasts is not asked."""
        fields = {name: value for name, value in content.items() if name not in OF_EVERY_PUSH}
        push = PushRequest.read(fields)
        encoded = push.encode(replace(profile, allows_broadcast=True, has_group=True), DEFAULT_LIMITS, self.kind)
        return Request("POST", self.path, encoded.request(push_id, push.request_id or push_id), self.credentials)


PUSH = Verb(Kind.SINGLE, "/v4/push")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    summary = (
        "Store one push to an audience, and show its receipt. With --wait: also its outcome; exit 1 unless accepted."
    )
    app.command("push", cls=ShowingCommand, epilog=EPILOG, help=summary)(storing_command(PUSH))


def storing_command(verb: Verb) -> Callable[..., Answer | int]:
    """The command that stores a push of this kind."""

    def command(  # noqa: PLR0913 - one parameter per option
        *,
        app: AppName,
        to: Audience,
        alert: Alert = None,
        title: Title = None,
        extras: Extras = None,
        notification: Whole = None,
        message: Custom = None,
        live_activity: Activity = None,
        voip: VoipCall = None,
        platform: Platform = "all",
        options: ApiOptions = None,
        custom_args: Arguments = None,
        sender: Sender = None,
        request_id: RequestId = None,
        broadcast: Broadcast = False,
        allow_mixed: Mixed = False,
        lane: LaneName = Lane.TRANSACTIONAL,
        expires_in: Life = None,
        idempotency_key: Key = None,
        push_id: PushId = None,
        sensitive: Sensitive = False,
        wait: Wait = None,
        redis_url: RedisUrl = DEFAULT_REDIS_URL,
        show: Show = None,
        region: RegionName = None,
        base_url: BaseUrl = None,
        apns_production: ApnsProduction = None,
        as_json: AsJson = False,
    ) -> Answer | int:
        if push_id and idempotency_key:
            raise typer.BadParameter("--push-id goes without --idempotency-key, which makes a repeat safe by itself")
        showing = read_showing(show, region, base_url, apns_production, wait)
        platforms = read_platforms(platform)
        content = {
            "to": to,
            "notification": composed(notification, alert, title, extras, platforms),
            "message": message,
            "live_activity": live_activity,
            "voip": voip,
            "platform": platforms,
            "options": options,
            "custom_args": custom_args,
            "from_": sender,
            "request_id": request_id,
            "broadcast": broadcast,
            "allow_mixed": allow_mixed,
            "expires_in": expires_in,
            "idempotency_key": idempotency_key,
        }
        if showing is not None:
            profile = showing.profile(app)
            life_ms(expires_in, profile.max_age_ms(read_lane(lane)))
            request = verb.request(profile, _identified(app, idempotency_key, push_id), content)
            return showing.answer(request, as_json=as_json)
        terms = {"app": app, "lane": lane, "sensitive": sensitive, **content}
        receipt = _store(verb, open_producer(redis_url), push_id, terms)
        return _answer(receipt, wait, as_json)

    return command


def _identified(app: str, idempotency_key: str | None, repeated: str | None) -> str:
    key = check_key(idempotency_key)
    return check_identity(app, key, chosen_id(app, key, repeated))


def _store(verb: Verb, producer: Producer, repeated: str | None, push: dict[str, Any]) -> Receipt:
    # The id is chosen here, so that there is one to repeat with even if Redis never answers.
    key = check_key(push["idempotency_key"])
    push_id = chosen_id(push["app"], key, repeated)
    try:
        return verb.store(producer, **push, push_id=None if key else push_id)
    except BrokerUnavailable as error:
        raise BrokerUnavailable([push_id], error.maybe_stored) from error.__cause__


def _answer(receipt: Receipt, wait: float | None, as_json: bool) -> Answer:
    fields: dict[str, Any] = {
        "push_id": receipt.push_id,
        "app": receipt.app,
        "lane": receipt.lane,
        "duplicate": receipt.duplicate,
    }
    if wait is None:
        return Answer(fields)
    status = find_outcome(receipt, wait, is_quiet=as_json)
    answer = answered(fields, status, is_failure=status.state is not State.ACCEPTED)
    if apps := status.detail.get("apps"):
        answer.fields["apps"] = [{"app_key": key, "result": json.dumps(did)} for key, did in apps.items()]
    return answer
