"""The stream and the backend below the transport: look-up, addresses, writes, and closing under use."""

import socket
import threading
import time

import httpcore
import pytest

from worker.api.deadline import Budget, DeadlineBackend, DeadlineStream, look_up, spending


def test_a_name_that_does_not_resolve_is_a_refused_connection():
    for name in ("no-such-host.invalid", "x" * 300):
        with pytest.raises(httpcore.ConnectError):
            look_up(name, 80, 5.0)


def test_a_look_up_does_not_wait_longer_than_allowed(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(5) and [])
    with pytest.raises(httpcore.ConnectTimeout):
        look_up("slow.test", 80, 0.05)
    released.set()


def test_the_next_address_is_tried_when_one_refuses(serve, wire, monkeypatch):
    def script(connection):
        wire[0](connection)

    port = int(serve(script).url.rpartition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo",
                        lambda host, *a, **k: found if host == "two.test" else real(host, *a, **k))  # fmt: skip
    DeadlineBackend().connect_tcp("two.test", port).close()


def test_a_host_without_an_address_is_a_refused_connection(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(httpcore.ConnectError, match="no address"):
        DeadlineBackend().connect_tcp("none.test", 80, timeout=1.0, socket_options=[])


class Refusing(httpcore.NetworkStream):
    """A stream whose socket fails at the first send."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_extra_info(self, info: str):
        return self

    def settimeout(self, seconds: float) -> None:
        pass

    def send(self, data: memoryview) -> int:
        raise self._error


@pytest.mark.parametrize(("error", "raised"), [(TimeoutError("slow"), httpcore.WriteTimeout),
                                               (BrokenPipeError("gone"), httpcore.WriteError)])  # fmt: skip
def test_a_write_that_fails_at_its_first_byte_leaves_the_request_unsent(error, raised):
    budget = Budget(time.monotonic() + 5)
    with spending(budget), pytest.raises(raised):
        DeadlineStream(Refusing(error)).write(b"x")
    assert not budget.has_written


def test_a_connection_closed_by_another_thread_ends_its_user_and_keeps_its_descriptor_until_then():
    ours, theirs = socket.socketpair()
    stream = DeadlineStream(Pair(ours))
    caught: list[bytes] = []
    user = threading.Thread(target=lambda: caught.append(stream.read(10, 5.0)))
    with theirs:
        user.start()
        while not vars(stream)["_is_used"]:
            time.sleep(0.001)
        stream.close()
        user.join(timeout=5)
    assert caught == [b""]
    assert ours.fileno() == -1
    for use in (lambda: stream.read(1), lambda: stream.write(b"x")):
        with pytest.raises(httpcore.NetworkError, match="closed"):
            use()


class Pair(httpcore.NetworkStream):
    """One end of a socket pair."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sock.settimeout(timeout)
        return self._sock.recv(max_bytes)

    def close(self) -> None:
        self._sock.close()

    def get_extra_info(self, info: str) -> socket.socket:
        return self._sock


def test_outside_a_request_nothing_is_capped():
    ours, theirs = socket.socketpair()
    with theirs:
        stream = DeadlineStream(Pair(ours))
        stream.write(b"x")
        assert theirs.recv(1) == b"x"
        stream.close()
