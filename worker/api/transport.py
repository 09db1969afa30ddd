"""The HTTP transport: httpx's interface on httpcore's pool, with one hard deadline per request.

This is the one boundary where httpcore's exceptions are translated, into the only distinction that matters to a push:
`RequestNotSent`, nothing left this machine, or `AnswerLost`, it may have arrived.
"""

import functools
import ssl
import time
import zlib
from collections.abc import Iterable
from typing import Any, NoReturn

import httpcore
import httpx

from worker.api.deadline import Budget, Clock, DeadlineBackend, spending
from worker.api.slots import Slots

DEADLINE = "deadline"
"""Request extension: the instant on the transport's clock (seconds) at which the request ends. Optional."""

MAX_ANSWER_BYTES = 8 * 1024 * 1024


class RequestNotSent(httpx.TransportError):
    """No byte of the request left this machine: refused, not resolved, no free connection, TLS failure."""


class AnswerLost(httpx.TransportError):
    """Bytes of the request left, and no whole answer came back: it may have been executed."""


@functools.cache
def verifying_context() -> ssl.SSLContext:
    """Give the process's TLS context; building one costs about 45 ms. Certificates are always verified."""
    return httpx.create_ssl_context()


class DeadlineTransport(httpx.BaseTransport):
    """Sends a request and reads its whole answer within one deadline. One per process, shared by its threads.

    Not to be carried over a fork: two processes would write to the same connections.

    Args:
        deadline_seconds: for a request that brings no `DEADLINE` extension.
        connect_seconds: most for a connection to open (look-up and TCP, then TLS), and to wait for a free one.
        max_connections: requests at once; one more waits.
        keepalive_seconds: how long an idle connection is kept. Short on purpose: writing to a connection that the
            server is about to close turns a harmless failure into an ambiguous one.
        ssl_context: for tests; the default verifies against the usual authorities.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        deadline_seconds: float = 8.0,
        connect_seconds: float = 3.0,
        max_connections: int = 32,
        keepalive_seconds: float = 15.0,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._connect_seconds = connect_seconds
        self._clock = clock
        # httpcore's own wait for a connection starts anew after each lost race; this one is under the deadline, and
        # leaves httpcore nothing to wait for.
        self._free = Slots(max_connections)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or verifying_context(),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=keepalive_seconds,
            http1=True,
            http2=False,
            network_backend=DeadlineBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            RequestNotSent: nothing left this machine.
            AnswerLost: something left, and no whole answer of bounded size came back in time.
        """
        ends_at = request.extensions.get(DEADLINE, self._clock() + self._deadline_seconds)
        budget = Budget(ends_at, self._clock)
        if not self._free.acquire(min(self._connect_seconds, budget.left())):
            raise RequestNotSent("no connection became free in time")
        try:
            with spending(budget):
                return self._exchange(request)
        except _HTTPCORE_ERRORS as error:
            _translate(error, budget)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close the idle connections and refuse those in use."""
        self._pool.close()

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        answer = self._pool.handle_request(self._to_httpcore(request))
        try:
            body = _read_bounded(answer.iter_stream())
        finally:
            answer.close()
        headers = httpx.Headers(answer.headers)
        coding = headers.pop("content-encoding", "identity").strip().lower()
        headers.pop("transfer-encoding", None)
        return httpx.Response(answer.status, headers=headers, content=_decode(body, coding))

    def _to_httpcore(self, request: httpx.Request) -> httpcore.Request:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        timeouts: dict[str, Any] = {"connect": self._connect_seconds, "pool": self._connect_seconds}
        return httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.read(), extensions={"timeout": timeouts}
        )


_HTTPCORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


def _translate(error: Exception, budget: Budget) -> NoReturn:
    text = f"{type(error).__name__}: {error}"
    raise (AnswerLost if budget.has_written else RequestNotSent)(text) from error


def _read_bounded(parts: Iterable[bytes]) -> bytes:
    """Read a body whole; one that is larger than any answer of this API is as good as lost."""
    read, size = [], 0
    for part in parts:
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise httpcore.RemoteProtocolError(f"answer larger than {MAX_ANSWER_BYTES} bytes")
        read.append(part)
    return b"".join(read)


def _decode(body: bytes, coding: str) -> bytes:
    """Undo a compression that was not asked for, as a proxy may add it; within the same bound."""
    if coding in {"identity", ""} or not body:
        return body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise httpcore.RemoteProtocolError("answer in an encoding that was not asked for")
    try:
        inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        plain = inflater.decompress(body, MAX_ANSWER_BYTES)
    except zlib.error as error:
        raise httpcore.RemoteProtocolError("answer with broken compression") from error
    if not inflater.eof:
        raise httpcore.RemoteProtocolError("answer cut short, or too large once decompressed")
    return plain
