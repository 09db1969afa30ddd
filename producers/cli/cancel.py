"""`pushctl cancel`: take back a push that has not left."""

from typing import Annotated

import typer

from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, open_producer, read_push_id
from .output import DONE, FAILED, Answer

EPILOG = """\b
Examples:
  pushctl cancel 01h8xk2m0c4t8x0q2mzk7w01 --app shop
  pushctl cancel 01h8xk2m0c4t8x0q2mzk7w01 --app shop --json

Results: cancelled (it never left); marked (its turn will not send it; in flight just now, it may still be, and what may
have been sent already ends as unknown); too_late (it has an outcome); unknown_id. The last two exit with 1.
Cancelling twice is cancelling once."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cancel", epilog=EPILOG)(cancel)


def cancel(
    push_id: Annotated[str, typer.Argument(metavar="PUSH_ID", parser=read_push_id, help="As a receipt shows it.")],
    app: AppName,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,  # noqa: ARG001 - read by `run`
) -> Answer:
    """Cancel a push that is still pending."""
    found = open_producer(redis_url).cancel(push_id, app=app)
    fields = {"push_id": push_id, "app": app, "result": found.fate, "state": found.state.word, "means": found.meaning}
    return Answer(fields, DONE if found.is_effective else FAILED)
