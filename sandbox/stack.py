"""The whole system as real processes on this machine: Redis, sandbox, workers and beat, for demo, tests and figures.

    with Stack(directory, workers=2) as stack:
        stack.producer().send(app="shop", registration_id="rid-1", notification="Hello")
        assert stack.wait_drained().accepted == 1

Everything listens on 127.0.0.1 only, logs into `directory`, and ends with the context, whichever way that ends.
"""

import contextlib
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Any, Literal, Self

from config.embedded import EmbeddedRedis
from producers import Producer, keys
from producers.connection import DeadlineRedis, Refused, Unanswered
from producers.contract import QUEUES
from worker.books import Books

from .stack_control import SandboxControl
from .stack_processes import ManagedProcess, Processes, StackError

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
POLL_SECONDS = 0.02
UNLIMITED_QUOTA = 1_000_000
ENV_FILE = "push.env"

_LISTENING = re.compile(r"^sandbox listening on (\S+)$", re.MULTILINE)
# CELERY_BROKER_URL, for one, goes before what the app configures.
_NOT_INHERITED = ("PUSH_", "CELERY_")

__all__ = ["ManagedProcess", "SandboxControl", "SandboxOptions", "Stack", "StackError"]


@dataclass(frozen=True)
class SandboxOptions:
    """How the sandbox is started; `extra` are further options of its command line."""

    quota: int = 500
    quota_shape: Literal["fixed", "sliding", "bucket"] = "fixed"
    latency_ms: float = 0
    cid_memory: bool = True
    extra: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """The command line."""
        memory = "on" if self.cid_memory else "off"
        switches = {"quota": self.quota, "quota-shape": self.quota_shape, "latency-ms": self.latency_ms}
        named = [part for name, value in switches.items() for part in (f"--{name}", str(value))]
        return [*named, "--cid-memory", memory, *self.extra]


class StackRedis(EmbeddedRedis):
    """The stack's Redis; `kill`, `restart`, `pause` and `resume` are what chaos tests do to it."""

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT. Harmless when it was not paused."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it cleanly, also when it is paused."""
        self.resume()
        super().stop()

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)


class Stack:
    """Runs the system; a context manager that leaves no process behind.

    Args:
        directory: logs, Redis data, beat's schedule and `push.env`; created if missing, never removed.
        apps: names; each gets made-up credentials of its own.
        quota_per_second: what the workers believe; default: the sandbox's quota.
        pool, concurrency: of every worker, as Celery names them.
        delivery: `{"linger_ms": 5}` becomes PUSH_DELIVERY__LINGER_MS.
        environment: more variables for the children, also in place of those set here.
    """

    redis: StackRedis
    sandbox: SandboxControl
    sandbox_process: ManagedProcess
    sandbox_url: str
    beat: ManagedProcess | None

    def __init__(  # noqa: PLR0913 - one keyword per thing that tests and figures vary
        self,
        directory: Path,
        *,
        apps: Sequence[str] = ("shop",),
        quota_per_second: int | None = None,
        sandbox: SandboxOptions = SandboxOptions(),
        workers: int = 1,
        pool: str = "threads",
        concurrency: int = 16,
        beat: bool = False,
        delivery: Mapping[str, object] | None = None,
        appendfsync: Literal["everysec", "always"] = "everysec",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.apps = {name: (secrets.token_hex(12), secrets.token_hex(12)) for name in apps}
        self.environment: dict[str, str] = {}
        self.workers: list[ManagedProcess] = []
        self.beat = None
        self._options = sandbox
        self._quota = quota_per_second or sandbox.quota or UNLIMITED_QUOTA
        self._initial = (workers, beat)
        self._pool = pool
        self._concurrency = concurrency
        self._numbers = {"worker_threads": concurrency, **(delivery or {})}
        self._more = dict(environment or {})
        if self._more.get("PUSH_LOG_LEVEL", "INFO") not in ("DEBUG", "INFO"):
            raise ValueError("PUSH_LOG_LEVEL must be DEBUG or INFO: the start of a worker is read from its log")
        self._cleanup = contextlib.ExitStack()
        self.redis = StackRedis(self.directory / "redis", appendfsync=appendfsync)

    def __enter__(self) -> Self:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(self.redis.stop)
            self.redis.start()
            self._processes = Processes(self.directory, ROOT)
            cleanup.callback(self._stop_processes)
            self._start_sandbox()
            cleanup.callback(self.sandbox.close)
            self._describe()
            self._reader = DeadlineRedis(self.redis_url, deadline_seconds=5.0)
            cleanup.callback(self._reader.close)
            count, with_beat = self._initial
            started = [self._launch_worker() for _ in range(count)]
            if with_beat:
                self.start_beat()
            for worker in started:
                self._await_worker(worker)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @property
    def redis_url(self) -> str:
        """The address of the Redis; a restart keeps it."""
        return self.redis.url

    def start_worker(self) -> ManagedProcess:
        """Start one more worker and return when it takes work. Raises `StackError` with its log."""
        worker = self._launch_worker()
        self._await_worker(worker)
        return worker

    def start_beat(self) -> ManagedProcess:
        """Start beat, whose schedule file lies in `directory`."""
        self.beat = self.run("beat", "-m", "celery", "-A", "worker.app", "beat")
        return self.beat

    def run(self, name: str, *arguments: str) -> ManagedProcess:
        """Start `python <arguments>` in the stack's environment as one of its processes."""
        environment = {**_inherited(), **self.environment}
        return self._processes.start(name, [sys.executable, *arguments], environment)

    def producer(self, **options: Any) -> Producer:
        """A producer for this stack; it is closed with it."""
        producer = Producer(self.redis_url, **options)
        self._cleanup.callback(producer.close)
        return producer

    def books(self, app: str = "shop") -> Books:
        """The books of an app now. Raises `Unanswered` while Redis is down."""
        return Books.read(self._reader, app)

    def wait_drained(self, app: str = "shop", timeout: float = 60) -> Books:
        """Wait until no push of `app` is without an outcome, also across an outage of Redis.

        Raises `TimeoutError` with the last books.
        """
        until = time.monotonic() + timeout
        books: Books | None = None
        while books is None or books.pending:
            if time.monotonic() > until:
                raise TimeoutError(f"pushes of {app} are pending after {timeout} s: {books}")
            with contextlib.suppress(Unanswered, Refused):
                books = self.books(app)
            time.sleep(POLL_SECONDS)
        return books

    def _start_sandbox(self) -> None:
        credentials = [
            part for key, secret in self.apps.values() for part in ("--app-key", key, "--master-secret", secret)
        ]
        serve = ["-m", "sandbox", "serve", "--port", "0", *credentials, *self._options.arguments()]
        self.sandbox_process = self.run("sandbox", *serve)
        self._await(self.sandbox_process, lambda: _LISTENING.search(self.sandbox_process.log()) is not None)
        listening = _LISTENING.search(self.sandbox_process.log())
        self.sandbox_url = listening[1] if listening else ""
        self.sandbox = SandboxControl(self.sandbox_url, {name: key for name, (key, _) in self.apps.items()})

    def _describe(self) -> None:
        variables: dict[str, object] = {
            "REDIS_URL": self.redis_url,
            "STATE_DIR": self.directory / "state",
            # Otherwise the processes would read the .env file of the checkout.
            "ENV_FILE": self.directory / ENV_FILE,
        }
        for name, (key, secret) in self.apps.items():
            app = {"APP_KEY": key, "MASTER_SECRET": secret, "BASE_URL": self.sandbox_url}
            app |= {"QUOTA_PER_SECOND": str(self._quota), "APNS_PRODUCTION": "false"}
            variables |= {f"APPS__{name}__{field}": value for field, value in app.items()}
        variables |= {f"DELIVERY__{name.upper()}": value for name, value in self._numbers.items()}
        described = {f"PUSH_{name}": str(value) for name, value in variables.items()}
        self.environment.update({**described, **self._more})
        lines = [f"export {name}={quote(value)}\n" for name, value in self.environment.items()]
        (self.directory / ENV_FILE).write_text("".join(lines), encoding="utf-8")

    def _launch_worker(self) -> ManagedProcess:
        name = f"worker{len(self.workers) + 1}"
        command = ["-m", "celery", "-A", "worker.app", "worker", "-E", "-n", f"{name}@%h"]
        command += ["-P", self._pool, "-c", str(self._concurrency), "-Q", ",".join(QUEUES)]
        worker = self.run(name, *command)
        self.workers.append(worker)
        return worker

    def _await_worker(self, worker: ManagedProcess) -> None:
        ready = f"{worker.name}@"
        self._await(worker, lambda: any(ready in line and " ready." in line for line in worker.log().splitlines()))
        # The bell's thread registers the apps; a producer would meet UnknownApp before.
        self._await(worker, lambda: all(self._reader.call("EXISTS", keys.profile(app)) for app in self.apps))

    def _await(self, process: ManagedProcess, is_ready: Callable[[], bool]) -> None:
        until = time.monotonic() + START_SECONDS
        while not is_ready():
            if not process.is_running:
                raise StackError(f"{process.name} ended with status {process.wait()}. {process.last_words()}")
            if time.monotonic() > until:
                raise StackError(f"{process.name} is not ready after {START_SECONDS} s. {process.last_words()}")
            time.sleep(POLL_SECONDS)

    def _stop_processes(self) -> None:
        # Workers would wait for a Redis that does not answer until they are killed.
        self.redis.resume()
        try:
            self._processes.stop([each for each in (self.beat, *self.workers) if each is not None])
        finally:
            self._processes.close()


def _inherited() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_INHERITED)}
    return {**kept, "PYTHONUNBUFFERED": "1"}
