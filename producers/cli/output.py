"""What commands answer and how it is shown: one JSON object, or short aligned lines. Works without the extra."""

import json
import sys
from dataclasses import dataclass
from typing import Any

DONE = 0
FAILED = 1
USAGE = 2

_COLOURS = {
    "accepted": "green",
    "pending": "yellow",
    "absent": "yellow",
    "unknown": "yellow",
    "rejected": "red",
    "dead": "red",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found out, and its exit code. `fields` are the members of the JSON object, in order.

    People see a list of rows as a table below the others; all rows have the members of the first.
    """

    fields: dict[str, Any]
    exit_code: int = DONE


def show_answer(answer: Answer, *, as_json: bool) -> int:
    """Print an answer on stdout and return its exit code."""
    if as_json:
        _print_json({"ok": answer.exit_code == DONE, **answer.fields})
        return answer.exit_code
    tables = [value for value in answer.fields.values() if isinstance(value, list)]
    shown = {
        name: value
        for name, value in answer.fields.items()
        if value not in (None, "", False, 0) and not isinstance(value, list)
    }
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        _print_line(name.ljust(width), "yes" if value is True else str(value))
    for rows in tables:
        _print_table(rows)
    return answer.exit_code


def show_failure(fields: dict[str, Any], exit_code: int, *, as_json: bool) -> int:
    """Print an error, on stdout as JSON and else on stderr, and return the exit code. `message` is one line."""
    if as_json:
        _print_json({"ok": False, **fields})
    else:
        because = f" ({fields['reason']})" if fields.get("reason") else ""
        print(f"pushctl: {fields['message']}{because}", file=sys.stderr)  # noqa: T201 - the product of a command
    return exit_code


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False))  # noqa: T201 - the product of a command


def _print_table(rows: list[dict[str, Any]]) -> None:
    """One line per row under a line of names; without the columns that are empty in all rows."""
    names = [name for name in (rows[0] if rows else ()) if any(_cell(row[name]) for row in rows)]
    lines = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        if cells:
            print(cells.rstrip())  # noqa: T201 - the product of a command


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


def _print_line(label: str, value: str) -> None:
    if not sys.stdout.isatty():
        print(f"{label}  {value}")  # noqa: T201 - the product of a command
        return
    from rich.console import Console
    from rich.text import Text

    # Text takes values as they are: square brackets in them are no markup.
    Console().print(Text.assemble((label, "dim"), "  ", (value, _COLOURS.get(value, ""))), soft_wrap=True)
