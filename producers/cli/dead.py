"""`pushctl dead`: the letters that wait for a person's decision."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer

from ..dead_letters import MEANINGS, RISK, DeadLetters, Ending, Replayed
from ..errors import shortened
from ..letters import Filter, Letter, Shelf
from .moments import read_moment
from .options import DEFAULT_REDIS_URL, AppName, AsJson, RedisUrl, open_redis
from .output import DONE, FAILED, Answer

SHOWN_BY_DEFAULT = 20
REFUSALS_SHOWN = 100

EPILOG = """\b
Examples:
  pushctl dead list --app shop --since 2h
  pushctl dead show 1800000000000-0 --app shop --reveal
  pushctl dead replay 1800000000000-0 --app shop
  pushctl dead purge --app shop --code 21003 --yes

A letter is a push that failed for good (exhausted), could not be read (malformed), or ended seven workers (poison);
with --asked it is one whose outcome is unknown, kept to be decided about. Every command takes --json."""
LIST_EPILOG = """\b
Examples:
  pushctl dead list --app shop
  pushctl dead list --app shop --code 27000 --since 2026-01-31T12:00 --until 1h --limit 100
  pushctl dead list --app shop --asked --json

Newest first. Moments are such as 2h ago (s, m, h, d), or ISO 8601, in UTC unless they name a zone."""
SHOW_EPILOG = """\b
Examples:
  pushctl dead show 1800000000000-0 --app shop
  pushctl dead show 01h8xk2m0c4t8x0q2mzk7w01 --app shop --reveal

The whole target and the body are shown with --reveal only; a body that was sent as sensitive, never."""
REPLAY_EPILOG = f"""\b
Examples:
  pushctl dead replay 1800000000000-0 --app shop
  pushctl dead replay --app shop --reason exhausted --since 1d --yes
  pushctl dead replay 01h8xk2m0c4t8x0q2mzk7w01 --app shop --new-cid --expires-in 600

A push keeps its id and history, and gets fresh attempts and a fresh life. It keeps its cid as well, so that the vendor
knows it again; 50 minutes after the first attempt that may have sent it, a new one must be asked for. Under a new cid,
which --asked always means, a push that may have been sent can arrive twice: {RISK}."""
PURGE_EPILOG = """\b
Examples:
  pushctl dead purge 1800000000000-0 --app shop
  pushctl dead purge --app shop --reason malformed --yes
  pushctl dead purge --app shop --until 7d --yes

Purged letters are gone for good; the sums of the app count them as purged."""

Sought = Annotated[str, typer.Argument(metavar="ID", help="A letter id, or a push id.")]
SoughtMany = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Letter ids or push ids; without any, what the filters take.")
]
Asked = Annotated[bool, typer.Option("--asked", help="Pushes of unknown outcome instead of dead letters.")]
Code = Annotated[int | None, typer.Option("--code", metavar="CODE", help="Only with this code of the vendor.")]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="WORD", help="Only exhausted, malformed, poison or unknown.")
]
Since = Annotated[
    datetime | None, typer.Option("--since", metavar="TIME", parser=read_moment, help="Not older than this.")
]
Until = Annotated[
    datetime | None, typer.Option("--until", metavar="TIME", parser=read_moment, help="Not younger than this.")
]
Limit = Annotated[int, typer.Option("--limit", metavar="COUNT", min=1, help="At most so many, the newest.")]
Most = Annotated[int | None, typer.Option("--limit", metavar="COUNT", min=1, help="At most so many, the newest.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show the whole target, and the body where it may be shown.")]
Yes = Annotated[bool, typer.Option("--yes", help="Needed for more than one letter.")]
NewCid = Annotated[bool, typer.Option("--new-cid", help="Under a new cid; a device may get the push twice.")]
Life = Annotated[
    float | None, typer.Option("--expires-in", metavar="SECONDS", help="The fresh life; that of the lane unless given.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="List, show, replay and purge dead letters.", epilog=EPILOG, rich_markup_mode=None)
    group.command("list", epilog=LIST_EPILOG)(list_letters)
    group.command("show", epilog=SHOW_EPILOG)(show)
    group.command("replay", epilog=REPLAY_EPILOG)(replay)
    group.command("purge", epilog=PURGE_EPILOG)(purge)
    app.add_typer(group, name="dead")


def list_letters(  # noqa: PLR0913 - one parameter per option
    *,
    app: AppName,
    asked: Asked = False,
    code: Code = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = SHOWN_BY_DEFAULT,
    reveal: Reveal = False,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,  # noqa: ARG001 - read by `run`
) -> Answer:
    """List letters, newest first."""
    letters = _open(redis_url, app, asked).list(Filter(code, reason, since, until), limit=limit)
    return Answer({"letters": [_row(letter, reveal) for letter in letters]})


def show(
    sought: Sought,
    app: AppName,
    asked: Asked = False,
    reveal: Reveal = False,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,  # noqa: ARG001 - read by `run`
) -> Answer:
    """Show one letter."""
    letter = _open(redis_url, app, asked).show(sought)
    entry = letter.entry
    history = {
        "maybe_sent": letter.maybe_sent,
        "attempts_before": entry.spent if entry else 0,
        "sensitive": letter.is_sensitive,
        "body": letter.body if reveal else None,
    }
    return Answer({**_row(letter, reveal), **history})


def replay(  # noqa: PLR0913 - one parameter per option
    sought: SoughtMany = None,
    *,
    app: AppName,
    asked: Asked = False,
    code: Code = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    limit: Most = None,
    new_cid: NewCid = False,
    expires_in: Life = None,
    yes: Yes = False,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,  # noqa: ARG001 - read by `run`
) -> Answer:
    """Send pushes of letters again."""
    letters = _open(redis_url, app, asked)
    chosen = Chosen(letters, sought, Filter(code, reason, since, until), limit)
    chosen.check(yes)
    return _replayed(letters.replay(chosen.letters(), new_cid=new_cid, expires_in=expires_in))


def purge(  # noqa: PLR0913 - one parameter per option
    sought: SoughtMany = None,
    *,
    app: AppName,
    asked: Asked = False,
    code: Code = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    limit: Most = None,
    yes: Yes = False,
    redis_url: RedisUrl = DEFAULT_REDIS_URL,
    as_json: AsJson = False,  # noqa: ARG001 - read by `run`
) -> Answer:
    """Remove letters for good."""
    letters = _open(redis_url, app, asked)
    chosen = Chosen(letters, sought, Filter(code, reason, since, until), limit)
    chosen.check(yes)
    return Answer({"purged": letters.purge(chosen.letters())})


class Chosen:
    """The letters that a command is about: those that are named, or those that the filters take."""

    def __init__(self, letters: DeadLetters, sought: list[str] | None, wanted: Filter, limit: int | None) -> None:
        if sought and (wanted != Filter() or limit is not None):
            raise typer.BadParameter("ids go without --code, --reason, --since, --until and --limit")
        self._letters = letters
        self._wanted = wanted
        self._limit = limit
        # An id that does not exist stops the command before it changed anything.
        self._fixed = tuple(letters.show(each) for each in dict.fromkeys(sought)) if sought else None

    def check(self, is_agreed: bool) -> None:
        """Raises `BadParameter` for more than one letter, unless that is agreed."""
        if is_agreed:
            return
        seen = tuple(islice(self.letters(), 2))
        if len(seen) > 1:
            count = sum(1 for _ in self.letters())
            raise typer.BadParameter(f"this takes {count} letters: repeat it with --yes", param_hint="'--yes'")
        # Another may arrive before the command does.
        self._fixed = seen

    def letters(self) -> Iterator[Letter]:
        """Them, anew each time."""
        return self._letters.list(self._wanted, limit=self._limit) if self._fixed is None else iter(self._fixed)


def _open(redis_url: str, app: str, asked: bool) -> DeadLetters:
    return DeadLetters(open_redis(redis_url), app, Shelf.ASKED if asked else Shelf.DEAD)


def _row(letter: Letter, reveal: bool) -> dict[str, Any]:
    return {
        "letter_id": letter.letter_id,
        "at": letter.at.isoformat(timespec="seconds"),
        "push_id": letter.push_id or None,
        "reason": letter.reason,
        "code": letter.code or None,
        "lane": letter.lane,
        "kind": letter.kind,
        "target": (letter.target if reveal else shortened(letter.target)) if letter.target else None,
        "attempts": letter.entry.attempts if letter.entry else None,
    }


def _replayed(answers: tuple[Replayed, ...]) -> Answer:
    """Sums, and what was not replayed: what was needs no attention."""
    endings = Counter(answer.ending for answer in answers)
    refused = [answer for answer in answers if answer.ending is not Ending.REPLAYED]
    risky = sum(answer.may_repeat for answer in answers)
    fields: dict[str, Any] = {
        "replayed": endings[Ending.REPLAYED],
        "not_replayed": len(refused),
        "may_arrive_twice": risky,
        "risk": RISK if risky else None,
        "letters": [_refusal(answer) for answer in refused[:REFUSALS_SHOWN]],
    }
    return Answer(fields, FAILED if refused else DONE)


def _refusal(answer: Replayed) -> dict[str, Any]:
    return {
        "letter_id": answer.letter_id,
        "push_id": answer.push_id or None,
        "result": answer.ending,
        "means": MEANINGS[answer.ending],
    }
