"""The direct client: the API as Python calls, without queue or Redis, raising typed errors.

Push operations are methods here; each further resource of the API gets a module and an attribute of its own.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

import httpx

from worker.api.credentials import Credentials
from worker.api.endpoints import Endpoint
from worker.api.errors import Fault, api_error
from worker.api.exchange import Exchange
from worker.api.reading import Reply, read_batch, read_done, read_group, read_single
from worker.api.redaction import Scrubber
from worker.api.regions import base_url_of
from worker.api.requests import Request, audience_targets, batch_items, encode, plain
from worker.api.results import AppResult, BatchReport, GroupReport, PushAccepted, Recalled
from worker.api.transport import DeadlineTransport


class EngageLabPush:
    """The EngageLab App Push API. Thread-safe; use it in a `with` block or close it.

    Every method makes one call, repeated only when nothing left this machine, and raises an `ApiError` (see the tree
    in `worker.api.errors`) when the call as a whole was not accepted. Set `options.cid` to be able to repeat a push
    whose outcome is unknown: the API remembers it for one hour.

    Example:
        with EngageLabPush(app_key, master_secret, region="sgp") as api:
            body = {"platform": "all", "notification": {"alert": "Hello"}}
            accepted = api.push({"to": {"alias": ["ann"]}, "body": body})

    Args:
        app_key: AppKey.
        master_secret: Master Secret.
        region: data centre of the app, see `worker.api.regions`.
        base_url: in place of a region, such as a sandbox.
        group_key: GroupKey, for `group_push` only.
        group_secret: Group Master Secret, for `group_push` only.
        deadline_seconds: hard end of a call, whatever the server does.
        connect_seconds: most for a connection to open, and to wait for a free one.
        max_connections: calls at once.
        transport: in place of the real network.

    Raises:
        ValueError: an argument cannot be used; the message names it.
    """

    def __init__(  # noqa: PLR0913 - options by name, each with its default
        self,
        app_key: str,
        master_secret: str,
        region: str = "sgp",
        *,
        base_url: str | None = None,
        group_key: str | None = None,
        group_secret: str | None = None,
        deadline_seconds: float = 8.0,
        connect_seconds: float = 3.0,
        max_connections: int = 32,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if (group_key is None) != (group_secret is None):
            raise ValueError("group_key and group_secret: give both or none")
        self._group = Credentials.of_group(group_key, group_secret or "") if group_key is not None else None
        self._exchange = Exchange(
            Credentials(app_key, master_secret),
            base_url or base_url_of(region),
            deadline_seconds=deadline_seconds,
            transport=transport
            or DeadlineTransport(
                deadline_seconds=deadline_seconds, connect_seconds=connect_seconds, max_connections=max_connections
            ),
        )
        self._secrets = self._exchange.credentials.unspeakable + (self._group.unspeakable if self._group else ())

    def push(self, request: Request) -> PushAccepted:
        """Send a push (create-push-api).

        Args:
            request: `to`, `body`, and optionally `from`, `request_id`, `custom_args`.

        Raises:
            ApiError: it was not accepted; `maybe_sent` says whether it may have gone out all the same.
        """
        return self._push(Endpoint.PUSH, request)

    def validate(self, request: Request) -> PushAccepted:
        """Check a push without sending it.

        Raises:
            ApiError: the API would refuse it, or did not answer.
        """
        return self._push(Endpoint.VALIDATE, request)

    def batch_regid(self, items: Iterable[Request]) -> BatchReport:
        """Send up to 500 pushes, each to its own registration id; each costs one unit of the quota.

        Args:
            items: each with a unique `target`, `platform`, and `notification` or `message`.

        Raises:
            ValueError: no items, more than 500, or a target missing or given twice.
            ApiError: the call as a whole was not accepted; refusals of single targets are in the report.
        """
        return self._batch(Endpoint.BATCH_REGID, items)

    def batch_alias(self, items: Iterable[Request]) -> BatchReport:
        """Send up to 500 pushes, each to its own alias; otherwise as `batch_regid`."""
        return self._batch(Endpoint.BATCH_ALIAS, items)

    def group_push(self, request: Request) -> GroupReport:
        """Send a push to every app of the group (group-push-api). It has no proven cid: never repeat an unknown one.

        Raises:
            ValueError: the client was made without group credentials.
            ApiError: the call as a whole was not accepted; refusals of single apps are in the report.
        """
        if self._group is None:
            raise ValueError("group_push needs group_key and group_secret")
        body = plain(request)
        answer = self._exchange.send("POST", Endpoint.GROUP.path(), encode(body), self._group)
        reading = read_group(_reply(answer, "POST", Endpoint.GROUP), Scrubber(self._secrets, audience_targets(body)))
        _check(reading.fault, "POST", Endpoint.GROUP)
        apps = {key: AppResult(app.msg_id, app.request_id, app.fault, app.raw) for key, app in reading.apps.items()}
        return GroupReport(reading.group_msg_id, apps, reading.raw)

    def recall(self, msg_id: str) -> Recalled:
        """Recall a push, once and within a day of it (message-recall-api).

        Raises:
            ValueError: `msg_id` is empty.
            ApiError: it was not accepted; an unknown msg_id is a `RequestRefused` with code 21003.
        """
        if not msg_id:
            raise ValueError("msg_id: must not be empty")
        answer = self._exchange.send("DELETE", Endpoint.WITHDRAW.path(msg_id=msg_id))
        reading = read_done(_reply(answer, "DELETE", Endpoint.WITHDRAW), Scrubber(self._secrets))
        _check(reading.fault, "DELETE", Endpoint.WITHDRAW)
        return Recalled(reading.msg_id or msg_id, reading.request_id, reading.raw)

    def close(self) -> None:
        """Close the connections. Calls after it raise `RuntimeError`."""
        self._exchange.close()

    def __enter__(self) -> Self:
        """Give the client itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connections."""
        self.close()

    def _push(self, endpoint: Endpoint, request: Request) -> PushAccepted:
        body = plain(request)
        reply = _reply(self._exchange.send("POST", endpoint.path(), encode(body)), "POST", endpoint)
        reading = read_single(reply, Scrubber(self._secrets, audience_targets(body)))
        _check(reading.fault, "POST", endpoint)
        return PushAccepted(reading.msg_id, reading.request_id, reading.raw)

    def _batch(self, endpoint: Endpoint, items: Iterable[Request]) -> BatchReport:
        requests, targets = batch_items(items)
        answer = self._exchange.send("POST", endpoint.path(), encode({"requests": requests}))
        reading = read_batch(_reply(answer, "POST", endpoint), targets, Scrubber(self._secrets, targets))
        if reading.fault is not None and not reading.results:
            _check(reading.fault, "POST", endpoint)
        missing = tuple(target for target in targets if target not in reading.results)
        return BatchReport(reading.results, missing, reading.throttled, reading.fault, reading.raw)


def _reply(answer: Reply | Fault, method: str, endpoint: Endpoint) -> Reply:
    if isinstance(answer, Fault):
        raise api_error(answer, f"{method} {endpoint}")
    return answer


def _check(fault: Fault | None, method: str, endpoint: Endpoint) -> None:
    if fault is not None:
        raise api_error(fault, f"{method} {endpoint}")
