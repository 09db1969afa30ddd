"""`pushctl apps`: which apps there are, what holds them back, and to hold or release them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from ..commands import known_apps
from ..connection import DeadlineRedis
from ..gate import Gate, GateState, Overview
from .options import DEFAULT_REDIS_URL, AsJson, RedisUrl, open_redis
from .output import Answer

EPILOG = """\b
Examples:
  pushctl apps list --json
  pushctl apps pause shop
  pushctl apps resume --all

Every one takes --json."""
LIST_EPILOG = """\b
Examples:
  pushctl apps list
  pushctl apps list --json

`pending_at_most` also counts pushes that were settled a moment ago and not yet cleared away. `cancelling` are cancelled
pushes that are still remembered, `asked` those of unknown outcome that wait for a person (see pushctl dead --asked)."""
PAUSE_EPILOG = """\b
Examples:
  pushctl apps pause shop
  pushctl apps pause --all --by night-shift

Nothing more is sent; calls in flight end. Pushes are still stored, and expire as ever."""
RESUME_EPILOG = """\b
Examples:
  pushctl apps resume shop
  pushctl apps resume --all

Refused credentials are probed now; they stay refused until the API takes them."""
OUTCOMES = ("accepted", "rejected", "expired", "cancelled", "unknown", "purged")

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Apps, by their short names.")]
All = Annotated[bool, typer.Option("--all", help="Every registered app.")]
By = Annotated[str, typer.Option("--by", metavar="WHO", envvar="USER", help="Who; shown to whoever looks.")]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="List apps, pause them, resume them.", epilog=EPILOG, rich_markup_mode=None)
    group.command("list", epilog=LIST_EPILOG)(list_apps)
    group.command("pause", epilog=PAUSE_EPILOG)(pause)
    group.command("resume", epilog=RESUME_EPILOG)(resume)
    app.add_typer(group, name="apps")


def list_apps(redis_url: RedisUrl = DEFAULT_REDIS_URL, as_json: AsJson = False) -> Answer:
    """List the apps: the gate, what waits, and the sums since the app began."""
    redis = open_redis(redis_url)
    found = [Overview.read(redis, name) for name in known_apps(redis)]
    return Answer({"apps": [_described(each) if as_json else _row(each) for each in found]})


def pause(
    names: Names = None,
    every: All = False,
    by: By = "pushctl",
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,  # noqa: ARG001 - read by `run`
) -> Answer:
    """Pause apps: nothing more is sent until they are resumed."""
    return _change(open_redis(redis_url), names, every, lambda gate: gate.pause(by))


def resume(
    names: Names = None,
    every: All = False,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,  # noqa: ARG001 - read by `run`
) -> Answer:
    """Resume apps, and probe refused credentials now."""
    return _change(open_redis(redis_url), names, every, Gate.resume)


def _change(redis: DeadlineRedis, names: list[str] | None, every: bool, change: Callable[[Gate], bool]) -> Answer:
    if every == bool(names):
        raise typer.BadParameter("name apps, or give --all")
    gates = [Gate(redis, name) for name in names or known_apps(redis)]
    for gate in gates:
        # A name that does not exist stops the command before it changed anything.
        gate.read()
    return Answer({"apps": [{"app": each.app, "changed": change(each), "gate": _words(each.read())} for each in gates]})


def _described(found: Overview) -> dict[str, Any]:
    gate = found.gate
    state = {
        "is_open": gate.is_open,
        "paused_by": gate.paused_by,
        "paused_since": _moment(gate.paused_since),
        "throttled_until": _moment(gate.throttled_until),
        "credentials_refused": gate.credentials_refused,
        "next_probe_at": _moment(gate.next_probe_at),
    }
    return {"app": found.app, "gate": state, **_waiting(found), "sums": found.sums}


def _row(found: Overview) -> dict[str, Any]:
    sums = {name: found.sums.get(name, 0) for name in ("enqueued", *OUTCOMES)}
    return {"app": found.app, "gate": _words(found.gate), **_waiting(found), **sums}


def _waiting(found: Overview) -> dict[str, int]:
    return {
        "pending_at_most": found.pending_at_most,
        "dead": found.dead,
        "asked": found.asked,
        "cancelling": found.cancelling,
    }


def _words(gate: GateState) -> str:
    words = []
    if gate.paused_by is not None:
        words.append(
            f"paused by {gate.paused_by}" + (f" since {_moment(gate.paused_since)}" if gate.paused_since else "")
        )
    if gate.credentials_refused:
        words.append(f"credentials refused, next probe {_moment(gate.next_probe_at)}")
    if gate.throttled_until is not None:
        words.append(f"throttled until {_moment(gate.throttled_until)}")
    return "; ".join(words) or "open"


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
