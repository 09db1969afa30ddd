"""Puts the commands together, runs one, and turns whatever it raises into an answer."""

from collections.abc import Sequence
from typing import Any

import typer

from ..errors import BrokerUnavailable, InvalidPush, PushError
from . import apps, batch, cancel, dead, group, push, send, status, validate
from .output import FAILED, USAGE, Answer, show_answer, show_failure

GROUPS = (send, push, batch, group, validate, status, cancel, dead, apps)
"""One module per command or group of commands; each adds itself with `add_to`."""

INTERRUPTED = 130
_TRY_HELP = "try 'pushctl {command}--help'"

# Typer brings its own copy of click or uses the installed one, by version; this is the class in both cases.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]


def build_app() -> typer.Typer:
    """The command line with every group."""
    app = typer.Typer(
        name="pushctl",
        help="Enqueue pushes for EngageLab App Push, see what became of them, and decide about what got stuck.",
        epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage. Each command has --help with examples.",
        add_completion=False,
        # Plain help: it is read in logs and pipes as often as on a terminal.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    # With a callback, a single command keeps its name.
    app.callback()(_no_options)
    for command in GROUPS:
        command.add_to(app)
    return app


def _no_options() -> None:
    """Nothing is common to all commands but their shape."""


def run(words: Sequence[str]) -> int:
    """Run one command line and return the exit code."""
    as_json = "--json" in words
    if not words:
        run(["--help"])
        return USAGE
    try:
        answer = build_app()(args=list(words), prog_name="pushctl", standalone_mode=False)
    except _UsageError as error:
        return show_failure({"error": "Usage", "message": _usage(error)}, USAGE, as_json=as_json)
    except typer.Abort:
        return show_failure({"error": "Interrupted", "message": "interrupted"}, INTERRUPTED, as_json=as_json)
    except PushError as error:
        return show_failure(_described(error), FAILED, as_json=as_json)
    return show_answer(answer, as_json=as_json) if isinstance(answer, Answer) else int(answer or 0)


def _usage(error: Any) -> str:
    path = error.ctx.command_path if error.ctx is not None else ""
    command = path.partition(" ")[2]
    hint = _TRY_HELP.format(command=f"{command} " if command else "")
    return f"{error.format_message().rstrip('.')}; {hint}".replace("\n", " ")


def _described(error: PushError) -> dict[str, Any]:
    fields: dict[str, Any] = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, InvalidPush):
        fields["field"] = error.field
    if isinstance(error, BrokerUnavailable):
        fields |= {"push_id": error.push_id, "maybe_stored": error.maybe_stored}
        if error.__cause__ is not None:
            fields["reason"] = str(error.__cause__)
    return fields
