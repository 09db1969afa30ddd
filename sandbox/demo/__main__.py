"""`python -m sandbox.demo`: exit status 0 only if every sum agrees. Leaves no process, and files only if it fails."""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from sandbox.stack import ENV_FILE, ROOT, SandboxOptions, Stack, StackError
from sandbox.stack_processes import tail
from worker.books import Books

from .load import Load
from .plan import APP, BELIEVED_QUOTA, KEY, QUOTA, TOTAL, Plan
from .screen import Screen
from .tally import Tally

DRAIN_SECONDS = 40.0
TICK_SECONDS = 0.1
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo: 0 if the sums agree, 1 if not or if something broke, 130 after Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the system running afterwards, until Ctrl-C")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    screen = Screen()
    directory = Path(tempfile.mkdtemp(prefix="push-demo-"))
    status = 1
    try:
        status = _run(screen, directory, keep=options.keep)
    except KeyboardInterrupt:
        screen.plain("Stopped; no process is left.")
        status = INTERRUPTED
    finally:
        if status == 1:
            screen.plain(f"The logs are in {directory}.")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return status


def _run(screen: Screen, directory: Path, *, keep: bool) -> int:
    screen.say("starting Redis, the sandbox, two workers and beat, all on 127.0.0.1")
    sandbox = SandboxOptions(quota=QUOTA)
    stack = Stack(directory, apps=(APP,), quota_per_second=BELIEVED_QUOTA, sandbox=sandbox, workers=2, beat=True)
    try:
        with stack:
            tally = _push_or_explain(screen, stack)
            screen.table(tally)
            wrong = tally.disagreements()
            screen.plain("\n".join(["The sums do not agree:", *wrong]) if wrong else "All sums agree.")
            _show_next(screen, stack, keep=keep)
            if keep:
                _stay(stack)
    # Whatever it is, it ends here: told in a line or two, with the traceback beside the logs.
    except Exception as error:
        screen.plain(f"The demo broke: {type(error).__name__}: {error}")
        (directory / "demo.log").write_text(traceback.format_exc(), encoding="utf-8")
        return 1
    return 1 if wrong else 0


def _push_or_explain(screen: Screen, stack: Stack) -> Tally:
    try:
        return _push(screen, stack)
    except Exception:
        # A process that ended explains more than the call which noticed it.
        _check(stack)
        raise


def _push(screen: Screen, stack: Stack) -> Tally:
    plan = Plan()
    load = Load(stack, plan)
    screen.say(f"ready; the workers believe in {BELIEVED_QUOTA:,} sends/s, the sandbox grants {QUOTA:,}")
    started = time.monotonic()
    first = load.by_producer()
    screen.say(f"Producer: {len(plan.registration_ids)} registration ids, {len(plan.aliases)} aliases, three singly")
    commands = load.start_commands()
    load.by_message()
    screen.say(f"Celery: {len(plan.messages)} plain push.send messages from another application")
    repeated = [load.repeat().push_id, load.await_commands(commands)]
    screen.say(f"pushctl: {len(plan.commands)} sends; the key {KEY} came three times, and is one push")
    for line in load.await_slices():
        screen.say(f"celery inspect active: {line}")
    _drain(screen, stack)
    return Tally.take(stack, plan, repeated.count(first.push_id), time.monotonic() - started)


def _drain(screen: Screen, stack: Stack) -> None:
    until = time.monotonic() + DRAIN_SECONDS
    books = Books()
    with screen.progress() as show:
        while books.enqueued < TOTAL or books.pending:
            books = stack.books(APP)
            show(books)
            _check(stack)
            if time.monotonic() > until:
                raise TimeoutError(f"not done after {DRAIN_SECONDS} s: {books}")
            time.sleep(TICK_SECONDS)
    screen.say("every push has its outcome")


def _check(stack: Stack) -> None:
    for process in (stack.sandbox_process, stack.beat, *stack.workers):
        if process is not None and not process.is_running:
            raise StackError(f"{process.name} ended. {process.last_words()}")
    if not stack.redis.is_running:
        raise StackError(f"Redis ended. {tail('Redis', stack.redis.data_dir / 'redis.log')}")


def _show_next(screen: Screen, stack: Stack, *, keep: bool) -> None:
    python = os.path.relpath(sys.executable) if Path(sys.prefix).is_relative_to(ROOT) else "python"
    if keep:
        lines = ["", "The system keeps running until Ctrl-C. Next, in another terminal:"]
        lines += [f"  . {stack.directory / ENV_FILE}    # sets these:"]
        lines += [f"  #   {name}={value}" for name, value in stack.environment.items()]
    else:
        lines = [
            "",
            f"Next: keep the system running with `{python} -m sandbox.demo --keep`, and try in another terminal:",
        ]
    lines += [
        f"  {python} -m producers.cli send --app {APP} --registration-id rid-1 --alert Hello --wait 10",
        f"  {python} -m celery -A worker.app inspect active",
        f"  curl -s '{stack.sandbox_url if keep else '<sandbox>'}/_sandbox/deliveries?summary=1'",
        "And `make test` proves it, `make bench` measures it.",
    ]
    screen.plain("\n".join(lines))


def _stay(stack: Stack) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            _check(stack)
            time.sleep(TICK_SECONDS)


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
