"""A request as a curl command, for any POSIX shell."""

from .literals import shell
from .request import HEADERS, Request

_LONGEST_ARGUMENT = 100_000
"""Linux takes at most 128 KiB in one argument; a longer body goes through a pipe."""


def render(request: Request, base_url: str) -> str:
    """The command."""
    lines = [
        f"curl --request {request.method} {shell(base_url + request.path)}",
        f'--user "{request.login}"',
        *(f"--header {shell(f'{name}: {value}')}" for name, value in HEADERS.items()),
    ]
    text = request.text
    if text is None:
        return _joined(lines)
    if len(request.body or b"") <= _LONGEST_ARGUMENT:
        # --data would take a body that starts with @ for the name of a file.
        return _joined([*lines, f"--data-raw {shell(text)}"])
    # printf is part of the shell, so its arguments may be of any length.
    return f"printf '%s' {shell(text)} | {_joined([*lines, '--data-binary @-'])}"


def _joined(lines: list[str]) -> str:
    return " \\\n  ".join(lines) + "\n"
