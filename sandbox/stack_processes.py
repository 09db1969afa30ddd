"""Child processes that never outlive us: each in a session of its own, watched by a process that sees our end.

The watch is a shell that holds the other end of a pipe. When we are gone, however we went, the pipe closes and it
kills every group that it was told of. A child waits for a word from us before it becomes its program, and gets it
only after the watch knows its group, so there is no moment in which a SIGKILL of ours leaves it behind. Plain POSIX:
it holds on Linux and macOS. What it cannot see is a child that leaves its session on purpose, or a fork of ours
without exec that keeps the pipe open.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 6.0
TAIL_LINES = 20

_WATCH = """
groups=
while read -r what group; do
  kept=
  for known in $groups; do [ "$known" = "$group" ] || kept="$kept $known"; done
  groups=$kept
  [ "$what" = drop ] || groups="$groups $group"
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
"""
_ON_COMMAND = 'read -r word && exec "$@" </dev/null'


class StackError(RuntimeError):
    """A process of the stack ended or stayed silent; the message ends with the tail of its log."""


@dataclass
class ManagedProcess:
    """One child, which leads its own process group, and its log file (standard output and error)."""

    name: str
    log_path: Path
    popen: "subprocess.Popen[bytes]" = field(repr=False)
    on_end: Callable[[], None] = field(repr=False)
    _has_ended: bool = field(default=False, init=False)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives; it may be paused."""
        if self.popen.poll() is not None:
            self._note_end()
        return not self._has_ended

    def kill(self) -> None:
        """SIGKILL for the whole group, children of a prefork pool included, as a crash of the machine would."""
        self._signal_group(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """SIGTERM for the process alone, which is how a supervisor asks it to end; does not wait."""
        # Not for the group: Celery's prefork children would die of it in the middle of their tasks.
        if self.is_running:
            self.popen.terminate()

    def pause(self) -> None:
        """SIGSTOP for the whole group."""
        self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT for the whole group. Harmless when it was not paused."""
        self._signal_group(signal.SIGCONT)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once it has ended. Raises `TimeoutError` with the tail of the log."""
        try:
            status = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} still runs after {timeout} s. {self.last_words()}") from None
        self._note_end()
        return status

    def log(self) -> str:
        """Everything the process has written so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        """The end of the log, for error messages."""
        return tail(self.name, self.log_path)

    def _signal_group(self, number: signal.Signals) -> None:
        if self.is_running:
            _signal(self.pid, number)

    def _note_end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            # What is left of the group goes now: later on its id may belong to somebody else.
            _signal(self.pid, signal.SIGKILL)
            self.on_end()


class Processes:
    """Starts children and ends them; the last to hold their pids."""

    def __init__(self, directory: Path, cwd: Path) -> None:
        self._directory = directory
        self._cwd = cwd
        self._watch = subprocess.Popen(  # noqa: S603 - a fixed script
            ["/bin/sh", "-c", _WATCH], stdin=subprocess.PIPE, start_new_session=True, cwd="/", text=True
        )
        self._running: dict[int, ManagedProcess] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> ManagedProcess:
        """Start `command` as the leader of a new session; its output goes to `<name>.log`."""
        log_path = self._directory / f"{name}.log"
        with log_path.open("ab") as log:
            popen = subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
                ["/bin/sh", "-c", _ON_COMMAND, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._cwd,
                env=dict(environment),
                start_new_session=True,
            )
        process = ManagedProcess(name, log_path, popen, lambda: self._forget(popen.pid))
        self._running[popen.pid] = process
        self._tell(f"add {popen.pid}")
        _release(popen)
        return process

    def stop(self, processes: Sequence[ManagedProcess], seconds: float = STOP_SECONDS) -> None:
        """SIGTERM to all of them, SIGKILL to what is left of their groups after `seconds`."""
        for process in processes:
            # A paused process would not notice the SIGTERM.
            process.resume()
            process.terminate()
        until = time.monotonic() + seconds
        for process in processes:
            with contextlib.suppress(TimeoutError):
                process.wait(max(0.0, until - time.monotonic()))
            process.kill()

    def close(self) -> None:
        """End whatever still runs, by force, and then the watch."""
        self.stop(list(self._running.values()), seconds=0.0)
        if self._watch.stdin is not None:
            self._watch.stdin.close()
        self._watch.wait()

    def _forget(self, pid: int) -> None:
        del self._running[pid]
        self._tell(f"drop {pid}")

    def _tell(self, line: str) -> None:
        if self._watch.stdin is None or self._watch.poll() is not None:
            raise StackError("the process that watches over the stack is gone")
        self._watch.stdin.write(f"{line}\n")
        self._watch.stdin.flush()


def tail(name: str, log_path: Path) -> str:
    """The last lines of a log file, introduced by whose it is."""
    lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n  ".join([f"The log of {name} ends:", *lines]) if lines else f"{name} wrote no log."


def _signal(group: int, number: signal.Signals) -> None:
    # macOS refuses (EPERM) to signal a group of which only a zombie is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _release(popen: "subprocess.Popen[bytes]") -> None:
    if popen.stdin is not None:
        with popen.stdin:
            popen.stdin.write(b"go\n")
