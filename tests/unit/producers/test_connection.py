"""One deadline for every call, and the truth about what may have happened, against servers that misbehave."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest
from fakeredis import FakeRedisConnection, FakeServer

from producers.connection import DeadlineRedis, MemoryFull, Refused, Script, Unanswered

DEADLINE = 0.5
Handler = Callable[[socket.socket], None]


def serve_commands(answer: Callable[[socket.socket, bytes], None]) -> Handler:
    """Understands redis-py's hand-shake; `answer` gets everything else."""

    def handle(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while command := read_command(stream):
                if command[0] == b"HELLO":
                    connection.sendall(b"%1\r\n$5\r\nproto\r\n:3\r\n")
                elif command[0] in {b"CLIENT", b"SELECT"}:
                    connection.sendall(b"+OK\r\n")
                else:
                    answer(connection, b" ".join(command))

    return handle


def read_command(stream: BinaryIO) -> list[bytes]:
    """The next command of a client; empty at the end."""
    head = stream.readline()
    if not head:
        return []
    words = []
    for _ in range(int(head[1:])):
        length = int(stream.readline()[1:])
        words.append(stream.read(length + 2)[:-2])
    return words


@pytest.fixture
def raw_server() -> Iterator[Callable[[Handler], str]]:
    """Starts a socket server in this process; gives its Redis URL."""
    stopping = threading.Event()
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(handler: Handler) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)
        opened.append(listener)

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                handler(connection)

        def accept() -> None:
            while not stopping.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    opened.append(connection)
                    connection.settimeout(5)
                    threads.append(threading.Thread(target=serve, args=[connection]))
                    threads[-1].start()

        threads.append(threading.Thread(target=accept))
        threads[-1].start()
        return f"redis://127.0.0.1:{listener.getsockname()[1]}/0"

    yield start
    stopping.set()
    for each in opened:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(5)
    for each in opened:
        each.close()


@contextlib.contextmanager
def connected(url: str) -> Iterator[DeadlineRedis]:
    """A connection pool that is closed at the end."""
    store = DeadlineRedis(url, deadline_seconds=DEADLINE)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails when the block takes longer."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def test_a_refused_connection_means_nothing_was_done() -> None:
    """It is tried again until the deadline, and not longer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with connected(f"redis://127.0.0.1:{port}/0") as store, within(DEADLINE + 0.3):
        with pytest.raises(Unanswered) as caught:
            store.call("PING")
        assert not caught.value.maybe_done


def test_a_server_that_accepts_and_says_nothing_means_nothing_was_done(raw_server: Callable[[Handler], str]) -> None:
    """The command never left: only the hand-shake did."""
    with connected(raw_server(lambda _: time.sleep(1.2))) as store, within(DEADLINE + 0.3):
        with pytest.raises(Unanswered) as caught:
            store.call("PING")
        assert not caught.value.maybe_done


def test_a_server_that_stalls_after_the_command_may_have_done_it(raw_server: Callable[[Handler], str]) -> None:
    """And it is not sent a second time."""
    seen: list[bytes] = []
    url = raw_server(serve_commands(lambda _, data: seen.append(data)))
    with connected(url) as store, within(DEADLINE + 0.3):
        with pytest.raises(Unanswered) as caught:
            store.call("SET", "a", "1")
        assert caught.value.maybe_done
    assert seen == [b"SET a 1"]


def test_a_server_that_closes_after_the_command_may_have_done_it(raw_server: Callable[[Handler], str]) -> None:
    """No repeat either."""
    seen: list[bytes] = []

    def close(connection: socket.socket, data: bytes) -> None:
        seen.append(data)
        connection.shutdown(socket.SHUT_RDWR)

    with connected(raw_server(serve_commands(close))) as store, within(DEADLINE + 0.3):
        with pytest.raises(Unanswered) as caught:
            store.call("SET", "a", "1")
        assert caught.value.maybe_done
    assert len(seen) == 1


def test_an_answer_that_is_no_redis_protocol_may_have_been_done(raw_server: Callable[[Handler], str]) -> None:
    """Whoever that was."""
    url = raw_server(serve_commands(lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    with connected(url) as store, pytest.raises(Unanswered) as caught:
        store.call("PING")
    assert caught.value.maybe_done


def test_a_late_answer_never_meets_the_next_question(raw_server: Callable[[Handler], str]) -> None:
    """A connection that timed out is not used again."""
    turns = iter([0.6, 0.0])

    def echo(connection: socket.socket, data: bytes) -> None:
        word = data.split()[1]
        time.sleep(next(turns, 0.0))
        connection.sendall(b"+" + word + b"\r\n")

    with connected(raw_server(serve_commands(echo))) as store:
        with pytest.raises(Unanswered):
            store.call("ECHO", "first")
        time.sleep(0.4)
        assert store.call("ECHO", "second") == b"second"


class SoftLimit(Exception):
    """As Celery raises it in the middle of whatever a task does."""


def test_a_question_that_a_signal_cut_off_leaves_no_answer_for_the_next(raw_server: Callable[[Handler], str]) -> None:
    """Else a producer would read the receipt of another push."""
    turns = iter([0.25, 0.0])

    def echo(connection: socket.socket, data: bytes) -> None:
        word = data.split()[1]
        time.sleep(next(turns, 0.0))
        connection.sendall(b"+" + word + b"\r\n")

    def interrupt(_number: int, _frame: object) -> None:
        raise SoftLimit

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with connected(raw_server(serve_commands(echo))) as store:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(SoftLimit):
                store.call("ECHO", "first")
            assert store.call("ECHO", "second") == b"second"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"-OOM command not allowed when used memory > 'maxmemory'.", MemoryFull),
        (b"-ERR user_script:1: OOM command not allowed when used memory > 'maxmemory'.", MemoryFull),
        (b"-READONLY You can't write against a read only replica.", Refused),
        (b"-MISCONF Redis is configured to save RDB snapshots", Refused),
        (b"-BUSY Redis is busy running a script.", Refused),
        (b"-WRONGTYPE Operation against a key", Refused),
    ],
)
def test_an_error_that_redis_answers_is_a_refusal(
    raw_server: Callable[[Handler], str], line: bytes, kind: type[Refused]
) -> None:
    """Nothing was written; the connection stays good."""
    url = raw_server(serve_commands(lambda connection, _: connection.sendall(line + b"\r\n")))
    with connected(url) as store:
        for _ in range(2):
            with pytest.raises(Refused) as caught:
                store.call("PING")
            assert type(caught.value) is kind


def test_a_script_goes_by_its_hash_and_by_its_text_when_redis_forgot_it() -> None:
    """As after a restart."""
    store = DeadlineRedis("redis://x", deadline_seconds=5, connection_class=FakeRedisConnection, server=FakeServer())
    script = Script("return {KEYS[1], ARGV[1]}")
    assert store.run(script, "k", ["v"]) == [b"k", b"v"]
    store.call("SCRIPT", "FLUSH")
    assert store.run(script, "k", ["v"]) == [b"k", b"v"]
    store.close()


def test_redis_that_comes_back_within_the_deadline_is_reached(raw_server: Callable[[Handler], str]) -> None:
    """The first connections are closed during the hand-shake."""
    turns = iter([True, True])
    good = serve_commands(lambda connection, _: connection.sendall(b"+PONG\r\n"))

    def handle(connection: socket.socket) -> None:
        if not next(turns, False):
            good(connection)

    with connected(raw_server(handle)) as store:
        assert store.call("PING") == b"PONG"
