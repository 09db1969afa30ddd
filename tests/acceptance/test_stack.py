"""The stack starts the real system, and whatever happens to it or to us, nothing of it stays behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from producers import Producer
from sandbox.stack import ROOT, SandboxOptions, Stack, StackError

GONE_SECONDS = 10.0

OWNER = """
import json, sys, time
from pathlib import Path
from sandbox.stack import Stack
with Stack(Path(sys.argv[1]), workers=2, pool=sys.argv[2], concurrency=2, beat=True) as stack:
    stack.workers[1].pause()
    started = [stack.sandbox_process, stack.beat, *stack.workers]
    print(json.dumps([stack.redis.pid, *(process.pid for process in started)]), flush=True)
    time.sleep(600)
"""


def living_groups(groups: Iterable[int]) -> set[int]:
    """Those process groups that have a member which is not just a zombie."""
    rows = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    alive = {int(row.split()[0]) for row in rows.splitlines() if not row.split()[1].startswith("Z")}
    return alive & set(groups)


def groups_of(stack: Stack) -> list[int]:
    """The groups that a stack consists of."""
    started = [stack.sandbox_process, stack.beat, *stack.workers]
    return [stack.redis.pid or 0, *(process.pid for process in started if process is not None)]


def eventually(condition: Callable[[], bool], seconds: float = GONE_SECONDS) -> bool:
    """Whether it becomes true in time."""
    until = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return holds


def test_a_stack_delivers_and_ends_completely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Pushes arrive once, over a Producer made from the environment it gives; afterwards no process is left."""
    monkeypatch.setenv("PUSH_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("PUSH_NO_SUCH_SETTING", "1")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    with Stack(tmp_path, apps=("shop", "bank"), workers=2, beat=True, sandbox=SandboxOptions(quota=0)) as stack:
        groups = groups_of(stack)
        assert len(living_groups(groups)) == 5
        for app in ("shop", "bank"):
            Producer.from_env(stack.environment).send(app=app, registration_id="rid-1", notification="Hello")
            stack.producer().send(app=app, alias="user_1", notification="Hello")
            assert stack.wait_drained(app).accepted == 2
            summary = stack.sandbox.deliveries_summary(app)
            assert (summary["deliveries"], summary["duplicates"]) == (2, 0)
            assert stack.sandbox.counts(app)["deliveries"] == 2
        assert [each["target"] for each in stack.sandbox.deliveries("bank", target="user_1")] == ["user_1"]
        assert stack.books("shop").drift == 0
    assert not living_groups(groups)


def test_workers_can_be_killed_paused_and_added(tmp_path: Path):
    """A killed worker is gone at once; a paused one takes no work until it is resumed; a new one takes over."""
    with Stack(tmp_path, concurrency=4) as stack:
        stack.workers[0].kill()
        assert not stack.workers[0].is_running
        second = stack.start_worker()
        second.pause()
        stack.producer().send(app="shop", registration_id="rid-1", notification="Hello")
        with pytest.raises(TimeoutError, match="queued=1"):
            stack.wait_drained(timeout=1.5)
        second.resume()
        assert stack.wait_drained(timeout=20).accepted == 1
        assert [worker.name for worker in stack.workers] == ["worker1", "worker2"]
        second.terminate()
        assert second.wait(15) == 0
        assert "worker2@" in second.log()


def test_redis_can_be_killed_paused_and_restarted(tmp_path: Path):
    """The stack's Redis keeps address and data over a crash, and may be left paused."""
    with Stack(tmp_path, appendfsync="always", concurrency=4) as stack:
        stack.producer().send(app="shop", registration_id="rid-1", notification="Hello")
        assert stack.wait_drained().accepted == 1
        stack.redis.kill()
        stack.redis.restart()
        assert stack.books().accepted == 1
        stack.producer().send(app="shop", registration_id="rid-2", notification="Hello")
        assert stack.wait_drained().accepted == 2
        stack.redis.pause()
        groups = groups_of(stack)
    assert not living_groups(groups)


def test_faults_and_the_clock_of_the_sandbox_can_be_moved(tmp_path: Path):
    """Rules name apps, not keys; a fault that is absorbed shows in the counts; reset forgets everything."""
    with Stack(tmp_path, delivery={"retry_base_ms": 100}, concurrency=4) as stack:
        stack.sandbox.faults([{"kind": "status", "status": 503, "app": "shop", "count": 1}])
        stack.producer().send(app="shop", registration_id="rid-1", notification="Hello")
        assert stack.wait_drained(timeout=20).retried == 1
        assert stack.sandbox.check(targets=["rid-1"])["missing"] == 0
        stack.sandbox.clear_faults()
        before = stack.sandbox.clock()
        assert stack.sandbox.clock(advance_seconds=3600) - before >= 3600
        stack.sandbox.reset()
        assert stack.sandbox.counts("shop")["deliveries"] == 0


@pytest.mark.parametrize("failure", [ValueError("a failing test"), KeyboardInterrupt()])
def test_a_failure_in_the_body_leaves_nothing(tmp_path: Path, failure: BaseException):
    """The processes end, a paused one too, and the failure passes through."""
    groups: list[int] = []

    def fail() -> None:
        with Stack(tmp_path, concurrency=2) as stack:
            groups.extend(groups_of(stack))
            stack.workers[0].pause()
            raise failure

    with pytest.raises(type(failure)):
        fail()
    assert len(groups) == 3
    assert not living_groups(groups)


def test_a_worker_that_cannot_start_is_quoted(tmp_path: Path):
    """The error carries the end of the log of the process that failed, and nothing stays behind."""
    with (
        pytest.raises(StackError, match="PUSH_DELIVERY__LEASE_MS") as caught,
        Stack(tmp_path, delivery={"lease_ms": 1}),
    ):
        pytest.fail("must not start")
    assert "worker1 ended" in str(caught.value)


@pytest.mark.parametrize(
    ("number", "pool"), [(signal.SIGKILL, "threads"), (signal.SIGKILL, "prefork"), (signal.SIGTERM, "prefork")]
)
def test_the_children_die_with_their_owner(tmp_path: Path, number: signal.Signals, pool: str):
    """Even if the owner is killed with SIGKILL, no child stays: not a paused one, not one of a prefork pool."""
    command = [sys.executable, "-c", OWNER, str(tmp_path), pool]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as owner:
        assert owner.stdout is not None
        groups = json.loads(owner.stdout.readline())
        assert living_groups(groups) == set(groups)
        os.kill(owner.pid, number)
    assert eventually(lambda: not living_groups(groups)), living_groups(groups)


def test_everything_listens_on_the_loopback_interface_only(tmp_path: Path):
    """No port of the stack can be reached from another machine. (Only Linux shows whose sockets are whose.)"""
    with Stack(tmp_path, concurrency=2, beat=True) as stack:
        for pid in groups_of(stack):
            assert listening_addresses(pid) <= {"0100007F"}
        assert not Path("/proc/net/tcp").exists() or listening_addresses(stack.sandbox_process.pid)


def listening_addresses(pid: int) -> set[str]:
    """The local addresses on which a process listens, as the kernel writes them."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            sockets.add(os.readlink(descriptor))
        except OSError:
            continue
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    rows = [row.split() for table in tables if table.exists() for row in table.read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}
