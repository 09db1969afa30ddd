"""`pushctl status`: what became of a push."""

from typing import Annotated

import typer

from ..outcomes import State
from ..receipts import Receipt
from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, Wait, open_producer, read_push_id
from .outcome import answered, find_outcome
from .output import Answer

EPILOG = """\b
Examples:
  pushctl status 01h8xk2m0c4t8x0q2mzk7w01 --app shop
  pushctl status 01h8xk2m0c4t8x0q2mzk7w01 --app shop --wait 10 --json

States: pending; accepted (the API took it), rejected, expired, cancelled, unknown, dead, purged; absent (no such push,
or its outcome is no longer kept). Without --wait the exit code is 0 for every state but absent."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=EPILOG)(status)


def status(
    push_id: Annotated[str, typer.Argument(metavar="PUSH_ID", parser=read_push_id, help="As a receipt shows it.")],
    app: AppName,
    wait: Wait = None,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,
) -> Answer:
    """Show where a push stands."""
    producer = open_producer(redis_url)
    receipt = Receipt(push_id, app, "", look_up=lambda asked: producer.status(asked.push_id, app=asked.app))
    found = find_outcome(receipt, wait, is_quiet=as_json)
    is_failure = found.state is State.ABSENT if wait is None else found.state is not State.ACCEPTED
    return answered({"push_id": push_id, "app": app}, found, is_failure=is_failure)
