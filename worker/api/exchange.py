"""One call over HTTP: credentials, deadline, and the short retry of what never left this machine.

Gives a `Reply` or a `Fault` and never raises for what the network does. Says nothing about what the answer means.
"""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import tenacity

from worker.api.credentials import Credentials
from worker.api.deadline import Clock
from worker.api.errors import ErrorClass, Fault
from worker.api.reading import Reply
from worker.api.redaction import Scrubber
from worker.api.transport import DEADLINE, RequestNotSent

UNSENT_ATTEMPTS = 3
"""Tries within one call, only for what never left this machine. The delayed retries of a push are not counted here."""

UNSENT_WAIT_SECONDS = 0.05
"""First wait between those tries, doubled each time, with full jitter."""

UNSENT_WAIT_MAX_SECONDS = 0.5

_UNSENT_ERRORS = (
    RequestNotSent,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Accept": "application/json",
    # Answers are small; decompressing is only done for what a proxy adds unasked.
    "Accept-Encoding": "identity",
    "User-Agent": "engagelab-push-worker",
}


class Exchange:
    """The HTTP side of one app. Thread-safe; owns its transport.

    Args:
        credentials: sent with every call that brings none of its own.
        base_url: scheme and host, without a path.
        deadline_seconds: most for a call, its retries included.
        transport: carries the requests out.
        sleep: waits between two tries of what never left.
        clock: monotonic seconds; the same as the transport's.
    """

    def __init__(
        self,
        credentials: Credentials,
        base_url: str,
        *,
        deadline_seconds: float,
        transport: httpx.BaseTransport,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self.credentials = credentials
        self._deadline_seconds = deadline_seconds
        self._sleep = sleep
        self._clock = clock
        self._http = httpx.Client(
            base_url=checked_base_url(base_url), headers=_HEADERS, transport=transport, trust_env=False
        )

    def send(
        self, method: str, path: str, body: bytes | None = None, credentials: Credentials | None = None
    ) -> Reply | Fault:
        """Make one call and read its answer whole.

        Args:
            method: HTTP method.
            path: path with its parameters filled in.
            body: JSON, already encoded.
            credentials: in place of the app's, for group push.
        """
        ends_at = self._clock() + self._deadline_seconds
        used = credentials or self.credentials
        request = self._http.build_request(
            method,
            path,
            content=body,
            headers={"Authorization": used.authorization},
            extensions={DEADLINE: ends_at},
        )
        try:
            response = self._retrying(ends_at)(self._http.send, request)
        except _UNSENT_ERRORS as error:
            return Fault(ErrorClass.UNSENT, None, None, _text(error, used), maybe_sent=False)
        except httpx.RequestError as error:
            return Fault(ErrorClass.AMBIGUOUS, None, None, _text(error, used), maybe_sent=True)
        return Reply(response.status_code, response.content)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _retrying(self, ends_at: float) -> tenacity.Retrying:
        def stop(state: tenacity.RetryCallState) -> bool:
            has_no_time = self._clock() + state.upcoming_sleep >= ends_at
            return state.attempt_number >= UNSENT_ATTEMPTS or has_no_time

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_UNSENT_ERRORS),
            wait=tenacity.wait_random_exponential(multiplier=UNSENT_WAIT_SECONDS, max=UNSENT_WAIT_MAX_SECONDS),
            stop=stop,
            sleep=self._sleep,
            reraise=True,
        )


def checked_base_url(base_url: str) -> str:
    """Check a base URL and take off its last slash.

    Raises:
        ValueError: not an http(s) URL of a host alone; the message does not repeat it, it may hold a password.
    """
    parts = urlsplit(base_url)
    has_more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or has_more:
        raise ValueError("base_url: must be like https://pushapi-sgp.engagelab.com, nothing after the host")
    return base_url.rstrip("/")


def _text(error: Exception, credentials: Credentials) -> str:
    return Scrubber(credentials.unspeakable).clean(str(error) or type(error).__name__)
