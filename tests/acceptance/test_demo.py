"""`make demo`: the whole system in one command, with sums that agree, and nothing left behind, however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.demo.screen import Screen
from sandbox.stack import ROOT
from worker.books import Books

DEMO_SECONDS = 90
GONE_SECONDS = 5.0
STARTED = "Celery: "
"""The line by which every process of the demo has been started."""


def processes() -> dict[int, tuple[int, str]]:
    """pid → parent and command line, of everything that is not a zombie."""
    listing = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True)
    rows = [row.split(maxsplit=3) for row in listing.stdout.splitlines()]
    return {int(pid): (int(parent), args) for pid, parent, stat, args in rows if not stat.startswith("Z")}


@dataclass
class Demo:
    """A running demo: what it printed, and the processes that belong to it."""

    process: subprocess.Popen[str]
    folder: Path
    output: str = ""
    children: dict[int, str] = field(default_factory=dict)

    def read_until(self, mark: str) -> None:
        """Read its output up to the line with `mark`, and note its processes."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if mark in line:
                break
        else:
            pytest.fail(f"no line with {mark!r}:\n{self.output}")
        self.children = self._descendants()

    def finish(self) -> int:
        """Read the rest; returns the exit status."""
        rest, _ = self.process.communicate(timeout=DEMO_SECONDS)
        self.output += rest
        return self.process.returncode

    def left_over(self) -> dict[int, str]:
        """Processes of the demo that outlive it."""
        until = time.monotonic() + GONE_SECONDS
        while (left := self.children.keys() & processes().keys()) and time.monotonic() < until:
            time.sleep(0.05)
        return {pid: self.children[pid] for pid in left}

    def _descendants(self) -> dict[int, str]:
        found, table = {self.process.pid: ""}, processes()
        while more := {pid: args for pid, (parent, args) in table.items() if parent in found and pid not in found}:
            found |= more
        return found


@contextmanager
def run_demo(folder: Path) -> Iterator[Demo]:
    """Start the demo without a terminal, with its temporary files under `folder`."""
    environment = {**os.environ, "TMPDIR": str(folder), "COLUMNS": "100"}
    command = [sys.executable, "-m", "sandbox.demo"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Demo(process, folder)
        finally:
            process.kill()


def test_the_demo_accounts_for_every_push(tmp_path: Path):
    """Exit status 0, the planned sums, no duplicate, throttling absorbed; neither process nor file is left."""
    with run_demo(tmp_path) as demo:
        demo.read_until(STARTED)
        assert sum("celery -A worker.app worker" in args for args in demo.children.values()) == 2
        assert any("celery -A worker.app beat" in args for args in demo.children.values())
        assert demo.finish() == 0, demo.output
    assert not demo.left_over()
    assert not list(tmp_path.iterdir())
    assert "All sums agree." in demo.output
    rows = {name.strip(): value for name, value in re.findall(r"│ (.+?) │ +([\d.,%]+) │", demo.output)}
    assert rows["enqueued"] == "3,000"
    assert (rows["= accepted"], rows["+ rejected"], rows["+ expired"]) == ("2,940", "59", "1")
    assert rows["duplicates seen by the sandbox"] == "0"
    assert int(rows["sends throttled by the API, sent again later"]) > 0
    assert "push.deliver" in demo.output


def test_a_terminal_gets_a_progress_bar():
    """On a terminal of 80 columns the bar, the numbers and the throttling fit in one line."""
    shown = StringIO()
    with Screen(Console(file=shown, force_terminal=True, width=80)).progress() as show:
        show(Books(enqueued=3_000, queued=1_000, accepted=2_000, calls=50, throttled=120))
    assert "2000/3000 50 calls, 120 throttled" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.getvalue())


def test_ctrl_c_in_the_middle_leaves_nothing(tmp_path: Path):
    """An interrupted demo says so, and neither process nor file is left."""
    with run_demo(tmp_path) as demo:
        demo.read_until(STARTED)
        demo.process.send_signal(signal.SIGINT)
        assert demo.finish() == 130, demo.output
    assert not demo.left_over()
    assert not list(tmp_path.iterdir())
    assert "Traceback" not in demo.output


def test_a_process_that_dies_ends_the_demo_with_its_log(tmp_path: Path):
    """Exit status 1, the name and the last lines of what failed, the logs kept; no process is left."""
    with run_demo(tmp_path) as demo:
        demo.read_until(STARTED)
        worker = next(pid for pid, args in demo.children.items() if "-n worker2@" in args)
        os.kill(worker, signal.SIGKILL)
        assert demo.finish() == 1, demo.output
    assert not demo.left_over()
    assert "worker2 ended" in demo.output
    assert "The log of worker2 ends:" in demo.output
    assert list(tmp_path.glob("push-demo-*/worker2.log"))
