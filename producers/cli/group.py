"""`pushctl group-push`: one push to every app of a group."""

import typer

from ..contract import Kind
from ..producer import Producer
from .push import Verb, storing_command
from .show import ShowingCommand

EPILOG = """\b
Examples:
  pushctl group-push --app shop --to '{"tag": ["news"]}' --alert 'Sale today' --platform android --wait 10
  pushctl group-push --app shop --to all --broadcast --notification @sale.json
  pushctl group-push --app shop --to '{"tag": ["news"]}' --alert 'Sale' --platform android --show

The app is the one whose workers have the group credentials. A group push is never repeated: where it may have been
sent, it ends as unknown. Accepted means by one app at least; with --wait the answer tells what each app did, by the
first characters of its AppKey. There are no overrides of earlier pushes here."""
GROUP_PUSH = Verb(Kind.GROUP, "/v4/grouppush", Producer.group_push, "group")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    summary = "Store one push to all apps of a group, and show its receipt; otherwise as push."
    app.command("group-push", cls=ShowingCommand, epilog=EPILOG, help=summary)(storing_command(GROUP_PUSH))
