"""What the demo shows: a progress bar on a terminal, plain lines elsewhere, and the tables at the end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from worker.books import Books

from .plan import BELIEVED_QUOTA, QUOTA, TOTAL
from .tally import Tally

LINE_SECONDS = 1.0

Show = Callable[[Books], None]


class Screen:
    """Standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the seconds since the start."""
        self._console.print(f"{time.monotonic() - self._started:5.1f} s  {text}", markup=False, soft_wrap=True)

    def plain(self, text: str = "") -> None:
        """Text as it is."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Show]:
        """Gives a function that shows the books as they are now."""
        if not self._console.is_terminal:
            yield self._lines()
            return
        columns = (TextColumn("settled"), BarColumn(20), MofNCompleteColumn(), TextColumn("{task.fields[now]}"))
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("", total=TOTAL, now="")
            yield lambda books: bar.update(task, completed=_settled(books), now=_now(books))

    def _lines(self) -> Show:
        next_line = 0.0

        def show(books: Books) -> None:
            nonlocal next_line
            if time.monotonic() >= next_line:
                next_line = time.monotonic() + LINE_SECONDS
                self.say(f"settled {_settled(books):,} of {TOTAL:,}: {_now(books)}")

        return show

    def table(self, tally: Tally) -> None:
        """The two tables at the end."""
        self._console.print(_outcomes(tally), _spending(tally))


def _settled(books: Books) -> int:
    return books.enqueued - books.pending


def _now(books: Books) -> str:
    return f"{books.calls} calls, {books.throttled} throttled"


def _outcomes(tally: Tally) -> Table:
    table = Table(title="Every push is accounted for", title_justify="left", title_style="bold")
    table.add_column("")
    for name in ("counted", "planned"):
        table.add_column(name, justify="right")
    table.add_row("enqueued", f"{tally.books.enqueued:,}", f"{TOTAL:,}", end_section=True)
    for sign, (word, (counted, planned)) in zip("=+++++", tally.outcomes.items(), strict=True):
        table.add_row(f"{sign} {word}", f"{counted:,}", f"{planned:,}")
    return table


def _spending(tally: Tally) -> Table:
    table = Table(title="What it took", title_justify="left", title_style="bold", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("API calls", f"{tally.books.calls:,}")
    table.add_row("sends per call", f"{tally.sends_per_call:.1f}")
    table.add_row(
        f"quota used of {QUOTA:,}/s, by workers that were told {BELIEVED_QUOTA:,}/s", f"{tally.quota_used:.1%}"
    )
    table.add_row("sends throttled by the API, sent again later", f"{tally.books.throttled:,}")
    table.add_row("repeats of an idempotency key, sent once", f"{tally.repeats}")
    table.add_row("deliveries seen by the sandbox", f"{tally.counts['deliveries']:,}")
    table.add_row("duplicates seen by the sandbox", f"{tally.counts['duplicates']}")
    table.add_row("seconds from the first send to the last outcome", f"{tally.seconds:.1f}")
    return table
