"""`pushctl validate`: what the API says of a push, without sending it."""

from typing import Annotated, Any

import typer

from ..contract import Kind
from ..outcomes import State
from ..receipts import WaitTimeout
from .content import composed, read_platforms
from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, open_producer
from .outcome import answered
from .output import Answer
from .push import Activity, Arguments, Audience, Mixed, Sender, Verb, VoipCall
from .send import Alert, ApiOptions, Custom, Extras, Platform, Title, Whole, chosen_id
from .show import ApnsProduction, BaseUrl, RegionName, Show, ShowingCommand, read_showing

EPILOG = """\b
Examples:
  pushctl validate --app shop --to '{"tag": ["news"]}' --alert 'Sale today' --platform android
  pushctl validate --app shop --to all --notification @sale.json --timeout 30 --json
  pushctl validate --app shop --to all --notification @sale.json --show

A worker of the app asks the API; it costs one unit of quota and reaches nobody. Exit 0: the API would accept it, 1: it
would not (code and reason say why), or no verdict came in time."""
VALIDATE = Verb(Kind.VALIDATE, "/v4/push/validate")

Timeout = Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for the verdict.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("validate", cls=ShowingCommand, epilog=EPILOG)(validate)


def validate(  # noqa: PLR0913 - one parameter per option
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
    allow_mixed: Mixed = False,
    timeout: Timeout = 10.0,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    show: Show = None,
    region: RegionName = None,
    base_url: BaseUrl = None,
    apns_production: ApnsProduction = None,
    as_json: AsJson = False,
) -> Answer | int:
    """Let the API check a push without sending it."""
    showing = read_showing(show, region, base_url, apns_production)
    platforms = read_platforms(platform)
    content: dict[str, Any] = {
        "to": to,
        "notification": composed(notification, alert, title, extras, platforms),
        "message": message,
        "live_activity": live_activity,
        "voip": voip,
        "platform": platforms,
        "options": options,
        "custom_args": custom_args,
        "from_": sender,
        "allow_mixed": allow_mixed,
    }
    if showing is not None:
        request = VALIDATE.request(showing.profile(app), chosen_id(app, None, None), content)
        return showing.answer(request, as_json=as_json)
    try:
        status = open_producer(redis_url).validate(app=app, timeout=timeout, **content)
    except WaitTimeout as late:
        status = late.status
    return answered({"push_id": status.push_id, "app": app}, status, is_failure=status.state is not State.ACCEPTED)
