"""`--show`: a command prints the HTTP request that it stands for, and does nothing else."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from .. import keys
from ..errors import InvalidPush
from ..profiles import Profile
from ..requests import Dialect, Region, Request, check_base_url, described, render
from .output import DONE, Answer

_WORD = "--show"
_ONLY_WITH_SHOW = "goes with --show only"

Show = Annotated[
    Dialect | None,
    typer.Option(
        _WORD,
        metavar="DIALECT",
        help=f"Store nothing, print the request: {', '.join(Dialect)}; {Dialect.CURL} when none is named.",
    ),
]
RegionName = Annotated[
    Region | None,
    typer.Option("--region", metavar="NAME", help=f"For --show: {', '.join(Region)}. Default: {Region.SGP}."),
]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help="For --show: another address, such as a sandbox.")
]
ApnsProduction = Annotated[
    bool | None, typer.Option("--apns-production", help="For --show: the app sends to production iOS devices.")
]


class ShowingCommand(TyperCommand):
    """A command with `--show`, whose dialect may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the default dialect where none is: Typer has no options with an optional value."""
        return super().parse_args(ctx, with_dialect(args))


def with_dialect(words: Sequence[str]) -> list[str]:
    """The words of a command with a dialect after each `--show` that stands alone."""
    following = [*words[1:], "--"]
    named: list[str] = []
    for word, after in zip(words, following, strict=False):
        named += [word, Dialect.CURL] if word == _WORD and after.startswith("-") else [word]
    return named


@dataclass(frozen=True, slots=True)
class Showing:
    """That a request is to be printed, in which dialect and for which address."""

    dialect: Dialect
    base_url: str
    apns_production: bool | None = None

    def profile(self, app: str) -> Profile:
        """An app as far as the options describe it; which apps exist is not asked. Raises `InvalidPush`."""
        if keys.APP_NAME.fullmatch(app) is None:
            raise InvalidPush("app", "is no name of an app: these are lower-case letters, digits, _ and -")
        environment = b"" if self.apns_production is None else b"%d" % self.apns_production
        return Profile.read(app, {b"apns_production": environment})

    def answer(self, request: Request, *, as_json: bool) -> Answer | int:
        """Print the request, or answer with it under `--json`."""
        code = render(request, self.dialect, self.base_url)
        if as_json:
            return Answer({"request": described(request, self.base_url), "code": code})
        # A program is UTF-8 whatever the terminal uses: another encoding would change the bytes of its body.
        sys.stdout.flush()
        sys.stdout.buffer.write(code.encode())
        sys.stdout.buffer.flush()
        return DONE


def read_showing(
    dialect: Dialect | None,
    region: Region | None,
    base_url: str | None,
    apns_production: bool | None = None,
    wait: float | None = None,
) -> Showing | None:
    """What the options around `--show` ask for; None when the command is to be carried out.

    Raises:
        BadParameter: options that do not go together, or an address that is none.
    """
    if dialect is None:
        for name, value in {"region": region, "base-url": base_url, "apns-production": apns_production}.items():
            if value is not None:
                raise typer.BadParameter(_ONLY_WITH_SHOW, param_hint=f"'--{name}'")
        return None
    if wait is not None:
        raise typer.BadParameter("goes without --show, which stores nothing to wait for", param_hint="'--wait'")
    return Showing(dialect, _address(region, base_url), apns_production)


def _address(region: Region | None, base_url: str | None) -> str:
    if base_url is None:
        return (region or Region.SGP).base_url
    try:
        return check_base_url(base_url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--base-url'") from None
