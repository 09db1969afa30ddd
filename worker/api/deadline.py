"""One deadline over everything that a request does on the network: look-up, connect, TLS, each write, each read.

httpx and httpcore know time-outs per operation only, so a server that sends a byte per second keeps a call alive for
ever. Here every operation gets at most what is left of the request's budget. Built on httpcore's public network
backend; the budget travels in a context variable, because httpcore hands a backend nothing but a time-out.
"""

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import httpcore

Clock = Callable[[], float]
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Budget:
    """What one request may still take, and whether any byte of it has left.

    Attributes:
        ends_at: instant on the clock (seconds) after which nothing is waited for.
        has_written: a byte of the request was handed to the system. Once true, a failure is no longer "not sent".
    """

    __slots__ = ("_clock", "ends_at", "has_written")

    def __init__(self, ends_at: float, clock: Clock = time.monotonic) -> None:
        self.ends_at = ends_at
        self.has_written = False
        self._clock = clock

    def left(self) -> float:
        """Seconds left, negative when it is over."""
        return self.ends_at - self._clock()

    def cap(self, timeout: float | None, over: type[Exception]) -> float:
        """Give the smaller of a time-out and what is left.

        Raises:
            over: nothing is left.
        """
        left = self.left()
        if left <= 0:
            raise over("the deadline of the request has passed")
        return left if timeout is None else min(timeout, left)


_CONNECT_SECONDS = 60.0
"""For a connect that nobody limited; requests of this package always are."""

_spending: ContextVar[Budget | None] = ContextVar("budget of the request in this thread", default=None)


@contextlib.contextmanager
def spending(budget: Budget) -> Iterator[None]:
    """Put everything this thread does on the network under a budget."""
    token = _spending.set(budget)
    try:
        yield
    finally:
        _spending.reset(token)


def _cap(timeout: float | None, over: type[Exception]) -> float | None:
    budget = _spending.get()
    return timeout if budget is None else budget.cap(timeout, over)


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every operation is capped by the budget of the request that uses it.

    httpcore's pool may close a connection in one thread just as another begins to use it. Closing the descriptor then
    would let the other read from whichever connection gets the same number next, or write in the clear on what was
    TLS. So a connection in use is only shut down; its user closes it.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._guard = threading.Lock()
        self._is_used = False
        self._is_closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, waiting no longer than the budget."""
        with self._using(httpcore.ReadError):
            return self._inner.read(max_bytes, _cap(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it within the budget, noting the first byte that leaves.

        httpcore's own stream would give each partial send the full time-out again, so the loop is here.
        """
        with self._using(httpcore.WriteError):
            unsent = memoryview(buffer)
            while unsent:
                unsent = unsent[self._send(unsent, _cap(timeout, httpcore.WriteTimeout)) :]
                budget = _spending.get()
                if budget is not None:
                    budget.has_written = True

    def close(self) -> None:
        """Close the connection, or have its user close it."""
        with self._guard:
            self._is_closed = True
            if not self._is_used:
                self._inner.close()
                return
            # Not the TLS socket's own shutdown: that one goes over to clear text first.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._inner.get_extra_info("socket"), socket.SHUT_RDWR)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Shake hands; Python's own TLS time-out is already one for the whole handshake."""
        limit = _cap(timeout, httpcore.ConnectTimeout)
        return DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, limit))

    def get_extra_info(self, info: str) -> Any:
        """Pass on what httpcore asks, such as whether an idle connection was closed by the server."""
        return self._inner.get_extra_info(info)

    def _send(self, data: memoryview, limit: float | None) -> int:
        sock: socket.socket = self._inner.get_extra_info("socket")
        try:
            sock.settimeout(limit)
            return sock.send(data)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    @contextlib.contextmanager
    def _using(self, over: type[Exception]) -> Iterator[None]:
        with self._guard:
            if self._is_closed:
                raise over("the connection was closed")
            self._is_used = True
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._guard:
            self._is_used = False
            if self._is_closed:
                self._inner.close()


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections within the budget: the look-up too, and all addresses of a host together."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; the time is shared out, so that a dead one cannot eat it all.

        Raises:
            httpcore.ConnectError: no address, or none that accepts.
            httpcore.ConnectTimeout: the time is over.
        """
        limit = _cap(timeout, httpcore.ConnectTimeout)
        race = Budget(time.monotonic() + (_CONNECT_SECONDS if limit is None else limit))
        addresses = look_up(host, port, race.cap(None, httpcore.ConnectTimeout))
        options = None if socket_options is None else tuple(socket_options)
        failure: Exception = httpcore.ConnectError(f"{host}: no address")
        for tried, address in enumerate(addresses):
            share = race.cap(None, httpcore.ConnectTimeout) / (len(addresses) - tried)
            try:
                return DeadlineStream(self._inner.connect_tcp(address, port, share, local_address, options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def look_up(host: str, port: int, timeout: float) -> list[str]:
    """Resolve a host within a time limit.

    The system's resolver has no time-out of its own, so it runs in a thread that is left behind when it is late; it
    ends by itself when the resolver gives up.

    Raises:
        httpcore.ConnectError: the name does not resolve.
        httpcore.ConnectTimeout: the resolver took longer than `timeout` seconds.
    """
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"{host}: the name did not resolve in time") from None
    if isinstance(answer, Exception):
        raise httpcore.ConnectError(f"{host}: {answer}") from answer
    return answer
