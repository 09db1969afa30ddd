"""The client of the delivery: bytes in, outcomes out, nothing raised for what the vendor or the network does."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from worker.api.credentials import Credentials
from worker.api.deadline import Clock
from worker.api.endpoints import Endpoint
from worker.api.errors import Fault
from worker.api.exchange import Exchange
from worker.api.reading import Json, Reply, TargetResult, read_batch, read_group, read_single
from worker.api.redaction import Scrubber
from worker.api.transport import DeadlineTransport

__all__ = ["BatchAnswer", "Endpoint", "PushApi", "SingleAnswer", "TargetResult"]


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What came of one batch call.

    Attributes:
        fault: of the call as a whole; it holds for every target that is not in `results`.
        results: by target. A target that is missing here, without a fault, was not mentioned: its outcome is unknown.
        throttled: the quota was hit somewhere in the call: status, code, one target, or `rate_limit_info`.
        status: HTTP status, None when there was no answer.
        elapsed_seconds: from the first try to the whole answer.
        raw: the answer as it was read, for fields that are not known here.
    """

    fault: Fault | None
    results: dict[str, TargetResult]
    throttled: bool
    status: int | None
    elapsed_seconds: float
    raw: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SingleAnswer:
    """What came of one single call: a `msg_id`, or a `fault` and an empty `msg_id`."""

    fault: Fault | None
    msg_id: str
    status: int | None
    elapsed_seconds: float
    raw: Json = field(default_factory=dict, repr=False)


class PushApi:
    """The push calls of one app. One per process, shared by its threads; create it after a fork, never before.

    Args:
        app_key: AppKey.
        master_secret: Master Secret.
        base_url: see `worker.api.regions`, or a sandbox.
        deadline_seconds: hard end of a call, whatever the server does; its retries included.
        connect_seconds: most for a connection to open, and to wait for a free one.
        max_connections: calls at once.
        transport: in place of the real network; the caller's own, closed with this object all the same.
        sleep: waits between two tries of what never left this machine.
        clock: monotonic seconds.

    Raises:
        ValueError: credentials or URL cannot be used; the message names the argument.
    """

    def __init__(  # noqa: PLR0913 - options by name, each with its default
        self,
        app_key: str,
        master_secret: str,
        *,
        base_url: str,
        deadline_seconds: float = 8.0,
        connect_seconds: float = 3.0,
        max_connections: int = 32,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        credentials = Credentials(app_key, master_secret)
        self._clock = clock
        self._secrets = credentials.unspeakable
        self._exchange = Exchange(
            credentials,
            base_url,
            deadline_seconds=deadline_seconds,
            transport=transport
            or DeadlineTransport(
                deadline_seconds=deadline_seconds,
                connect_seconds=connect_seconds,
                max_connections=max_connections,
                clock=clock,
            ),
            sleep=sleep,
            clock=clock,
        )

    def batch(self, endpoint: Endpoint, body: bytes, targets: Sequence[str]) -> BatchAnswer:
        """Send one batch, at most 500 targets (batch-single-api, grade A).

        Args:
            endpoint: `BATCH_REGID` or `BATCH_ALIAS`.
            body: the whole JSON body, `{"requests": […]}`.
            targets: the targets in it; only these are read from the answer.
        """
        started_at = self._clock()
        reply = self._exchange.send("POST", endpoint.path(), body)
        elapsed = self._clock() - started_at
        if isinstance(reply, Fault):
            return BatchAnswer(reply, {}, throttled=False, status=None, elapsed_seconds=elapsed)
        reading = read_batch(reply, targets, Scrubber(self._secrets, targets))
        return BatchAnswer(reading.fault, reading.results, reading.throttled, reply.status, elapsed, reading.raw)

    def single(self, body: bytes, *, endpoint: Endpoint = Endpoint.PUSH, targets: Sequence[str] = ()) -> SingleAnswer:
        """Send one push.

        Args:
            body: the whole JSON body.
            endpoint: `PUSH`, or `VALIDATE` for a check without sending (also how a closed gate is probed).
            targets: registration ids and aliases in the body, kept out of the fault's message.
        """
        started_at = self._clock()
        reply = self._exchange.send("POST", endpoint.path(), body)
        return _single(reply, Scrubber(self._secrets, targets), self._clock() - started_at)

    def group(self, body: bytes) -> SingleAnswer:
        """Send one group push (group-push-api, grade A); these credentials must be the group's.

        Accepted when any app accepted it: `msg_id` is the group's, `raw` says what each app did. Otherwise the fault is
        that of the first app that may have sent it all the same, else of the first.
        """
        started_at = self._clock()
        reply = self._exchange.send("POST", Endpoint.GROUP.path(), body)
        elapsed = self._clock() - started_at
        if isinstance(reply, Fault):
            return SingleAnswer(reply, "", None, elapsed)
        reading = read_group(reply, Scrubber(self._secrets))
        faults = [app.fault for app in reading.apps.values()]
        refused = [fault for fault in faults if fault is not None]
        fault = max(refused, key=lambda fault: fault.maybe_sent) if refused and None not in faults else None
        return SingleAnswer(reading.fault or fault, reading.group_msg_id, reply.status, elapsed, reading.raw)

    def close(self) -> None:
        """Close the connections. Calls after it raise `RuntimeError`."""
        self._exchange.close()


def _single(reply: Reply | Fault, scrubber: Scrubber, elapsed_seconds: float) -> SingleAnswer:
    if isinstance(reply, Fault):
        return SingleAnswer(reply, "", None, elapsed_seconds)
    reading = read_single(reply, scrubber)
    return SingleAnswer(reading.fault, reading.msg_id, reply.status, elapsed_seconds, reading.raw)
