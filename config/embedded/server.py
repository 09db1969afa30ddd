"""A Redis server of our own: loopback only, append-only file, one per data folder, never left behind."""

import contextlib
import errno
import fcntl
import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .choice import resolve_redis

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 15.0
PORT_ATTEMPTS = 5

AppendFsync = Literal["everysec", "always"]

# Ends the server when our process is gone, however it went: its end of the pipe closes, `read` returns.
_WATCH = 'read -r _; kill -TERM "$1" 2>/dev/null; kill -CONT "$1" 2>/dev/null'


class EmbeddedRedisError(RuntimeError):
    """The embedded Redis cannot be used; the message says what to do."""


class RedisAlreadyRunning(EmbeddedRedisError):
    """Another process runs a server on this data folder. `url` is its address, if it is known yet."""

    def __init__(self, data_dir: Path, url: str | None) -> None:
        self.url = url
        where = f" at {url}" if url else ""
        super().__init__(f"A Redis already runs on {data_dir}{where}. Use that one, stop it, or choose another folder.")


class RedisDidNotStart(EmbeddedRedisError):
    """The server process ended or stayed silent; the message ends with its last log lines."""


class EmbeddedRedis:
    """Runs one server on 127.0.0.1; a context manager that leaves no process behind, whatever happens inside.

    Args:
        data_dir: its own folder for the append-only file, log and lock; created if missing.
        port: a fixed port, or 0 for a free one. A restart keeps the port.
        appendfsync: "everysec" may lose the last second at a power loss, "always" nothing.
        binary: the server to start; default: what `resolve_redis` finds.

    Warning: anyone on this machine can connect; it is meant for development, tests and the demo.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        appendfsync: AppendFsync = "everysec",
        binary: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.appendfsync = appendfsync
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address for clients, database 0."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives; it may still be stopped (SIGSTOP) or busy."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Starts the server and returns when it answers PING. Harmless when it already runs.

        Raises:
            NoRedisServer: there is no server binary.
            RedisAlreadyRunning: another process has this data folder.
            RedisDidNotStart: with the reason from its log, e.g. that the port is taken.
        """
        if self.is_running:
            return self
        binary = self._binary or resolve_redis().binary
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._lock()
        try:
            self._start_on_a_port(str(binary), lock)
            os.ftruncate(lock, 0)
            os.pwrite(lock, self.url.encode(), 0)
        except BaseException:
            self.kill()
            raise
        finally:
            os.close(lock)
        return self

    def stop(self) -> None:
        """Ends the server cleanly, by force after 15 seconds. Harmless when it does not run."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the server with SIGKILL, as a crash would; the append-only file stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._end_watch()

    def restart(self) -> None:
        """Starts it again on the same port and data, after a clean stop if it still runs."""
        self.stop()
        self.start()

    def client(self, timeout_seconds: float = 10.0) -> redis.Redis:
        """A new client without retries, answering bytes; the caller closes it."""
        return redis.Redis(
            host=HOST,
            port=self.port,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
        )

    def _lock(self) -> int:
        path = self.data_dir / "lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            known = os.pread(lock, 200, 0).decode(errors="replace") or None
            os.close(lock)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise RedisAlreadyRunning(self.data_dir, known) from None
        os.ftruncate(lock, 0)
        return lock

    def _start_on_a_port(self, binary: str, lock: int) -> None:
        fixed = self.port
        for attempt in range(1, PORT_ATTEMPTS + 1):
            self.port = fixed or _free_port()
            try:
                self._launch(binary, lock)
                self._await_pong()
            except RedisDidNotStart:
                self.kill()
                # Somebody may have taken the free port in between.
                if fixed or attempt == PORT_ATTEMPTS or _is_free(self.port):
                    self.port = fixed
                    raise
            else:
                return

    def _launch(self, binary: str, lock: int) -> None:
        # A session of its own: Ctrl-C stops the workers first, and us, and then the server.
        # It inherits the lock, which thereby lasts as long as the server, even without us.
        self._process = subprocess.Popen(  # noqa: S603 - the binary that resolve_redis chose
            [binary, *self._options()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(lock,),
        )
        self._watch = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _WATCH, "sh", str(self._process.pid)], stdin=subprocess.PIPE, start_new_session=True
        )

    def _options(self) -> list[str]:
        options = {
            "bind": HOST,
            "port": str(self.port),
            "protected-mode": "yes",
            "dir": str(self.data_dir),
            "logfile": str(self._log),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": self.appendfsync,
            "maxmemory-policy": "noeviction",
            # At the default of 10 a short blocking pop returns up to 100 ms late.
            "hz": "100",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    @property
    def _log(self) -> Path:
        return self.data_dir / "redis.log"

    def _await_pong(self) -> None:
        until = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < until:
            if not self.is_running:
                raise RedisDidNotStart(f"The Redis server on port {self.port} ended at once. {self._last_words()}")
            if self._answers():
                return
            time.sleep(0.02)
        raise RedisDidNotStart(f"The Redis server on port {self.port} does not answer. {self._last_words()}")

    def _answers(self) -> bool:
        # Short: whoever else has the port may accept and stay silent.
        with contextlib.closing(self.client(timeout_seconds=0.5)) as client:
            try:
                # Not just any server on that port: ours.
                info = client.info("server")
            except redis.exceptions.RedisError:
                return False
        return self._process is not None and info.get("process_id") == self._process.pid

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return "Its log ends: " + " | ".join(self._log.read_text(errors="replace").splitlines()[-3:])
        return "It wrote no log."

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.kill()
            self._watch.communicate()
            self._watch = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex((HOST, port)) != 0
