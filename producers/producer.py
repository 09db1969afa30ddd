"""What applications call: `Producer.send` and its kin. Validates here, stores in Redis, returns a receipt.

No thread, no global state, and nothing of Celery: a producer never touches the host's current Celery app.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, islice, repeat
from typing import Any, Literal, Self, Unpack

from . import ids, keys
from .cancelling import Cancellation, cancel_push
from .connection import DeadlineRedis, Refused, Unanswered
from .contract import Kind, Lane
from .encoding import check_alias, check_registration_id
from .errors import BrokerUnavailable, InvalidPush, PushError, UnknownApp
from .intake import PER_ROUND_TRIP, Enqueuer
from .lookup import Outcomes
from .models import BatchItem, Limits, Message, Notification, Options
from .models.limits import DEFAULT_LIMITS
from .profiles import Profile, Profiles
from .push_requests import NO_TARGET, OF_EVERY_PUSH, PushKeywords, PushRequest
from .receipts import Receipt, SendReport, Status
from .sends import Send, check_key, life_ms, read_lane
from .writing import Call, Item, Writer, check_identity, check_push_ids

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


class Producer:
    """Enqueues pushes. One per process is enough; safe for threads, and for a fork after it was made (gunicorn).

    `deadline_seconds` bounds every call, connecting included.
    """

    def __init__(
        self,
        redis_url: str = DEFAULT_REDIS_URL,
        *,
        deadline_seconds: float = 1.0,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._redis = DeadlineRedis(redis_url, deadline_seconds=deadline_seconds)
        self._profiles = Profiles(self._redis)
        self._outcomes = Outcomes(self._redis)
        enqueuer = Enqueuer(self._redis, self._profiles, self._outcomes.of)
        self._writer = Writer(enqueuer, ids.SlotAllocator())
        self._limits = limits

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """A producer for `PUSH_REDIS_URL` (default redis://127.0.0.1:6379/0)."""
        return cls(environ.get("PUSH_REDIS_URL", DEFAULT_REDIS_URL))

    def send(  # noqa: PLR0913 - one keyword per field of a send
        self,
        *,
        app: str,
        registration_id: str | None = None,
        alias: str | None = None,
        notification: Notification | dict[str, Any] | str | None = None,
        message: Message | dict[str, Any] | None = None,
        platform: str | list[str] | tuple[str, ...] = "all",
        options: Options | dict[str, Any] | None = None,
        custom_args: dict[str, Any] | str | None = None,
        lane: Lane | str = Lane.TRANSACTIONAL,
        expires_in: float | timedelta | None = None,
        idempotency_key: str | None = None,
        sensitive: bool = False,
        push_id: str | None = None,
    ) -> Receipt:
        """Store one push for one device or alias, and return its receipt.

        Args:
            expires_in: seconds (or a timedelta) after which it is not worth sending; the lane's maximum age bounds it.
            idempotency_key: a repeat with the same key and content returns the first receipt, marked `duplicate`.
            sensitive: the body is shown nowhere, not even to who looks at a dead letter.
            push_id: only to repeat a send that ended in `BrokerUnavailable`: the id which that error carries.

        Raises:
            InvalidPush, UnknownApp, IdempotencyConflict, QueueFull, BrokerUnavailable: see `producers.errors`.
        """
        one = Send(
            registration_id=registration_id,
            alias=alias,
            notification=notification,
            message=message,
            platform=platform,
            options=options,
            custom_args=custom_args,
            expires_in=expires_in,
            idempotency_key=idempotency_key,
            sensitive=sensitive,
        )
        return _one(self.send_many([one], app=app, lane=lane, push_ids=None if push_id is None else [push_id]).results)

    def send_many(
        self,
        sends: Iterable[Send | Mapping[str, Any]],
        *,
        app: str,
        lane: Lane | str = Lane.TRANSACTIONAL,
        push_ids: Sequence[str] | None = None,
    ) -> SendReport:
        """Store many pushes, hundreds per round trip; the report has one result per item, in order.

        A bad item is reported in its place and does not stop the others. When Redis stops answering, the rest is
        reported as `BrokerUnavailable` without being tried. `push_ids` repeats sends under the ids of their first try,
        one per send ('' for a send that had none): what is stored already is met, not doubled.

        Raises:
            UnknownApp, BrokerUnavailable: before anything was stored.
            InvalidPush: an argument of the call itself, such as `lane`, is wrong.
        """
        call = Call(self._profile(app), read_lane(lane))
        results: list[Receipt | PushError] = []
        remaining = zip(sends, chain(check_push_ids(push_ids or ()), repeat("")), strict=False)
        while chunk := list(islice(remaining, PER_ROUND_TRIP)):
            results += self._send_chunk(call, chunk)
        return SendReport(tuple(results))

    def send_to_many(  # noqa: PLR0913 - one keyword per field of a send
        self,
        *,
        app: str,
        registration_ids: Iterable[str] | None = None,
        aliases: Iterable[str] | None = None,
        notification: Notification | dict[str, Any] | str | None = None,
        message: Message | dict[str, Any] | None = None,
        platform: str | list[str] | tuple[str, ...] = "all",
        options: Options | dict[str, Any] | None = None,
        custom_args: dict[str, Any] | str | None = None,
        lane: Lane | str = Lane.TRANSACTIONAL,
        expires_in: float | timedelta | None = None,
    ) -> SendReport:
        """Store one content for many targets: validated and encoded once. Reports and raises as `send_many`;
        a wrong content raises `InvalidPush`.
        """
        call = Call(self._profile(app), read_lane(lane))
        if (registration_ids is None) == (aliases is None):
            raise InvalidPush("registration_ids", "give either registration_ids or aliases")
        if aliases is None:
            kind, check, remaining = (
                Kind.REGID,
                check_registration_id,
                _targets("registration_ids", registration_ids or ()),
            )
        else:
            kind, check, remaining = Kind.ALIAS, check_alias, _targets("aliases", aliases)
        content = Send(
            notification=notification, message=message, platform=platform, options=options, custom_args=custom_args
        ).encode(call.profile, self._limits)
        life = life_ms(expires_in, call.profile.max_age_ms(call.lane))
        results: list[Receipt | PushError] = []
        while chunk := list(islice(remaining, PER_ROUND_TRIP)):
            checked = [_checked(check, target) for target in chunk]
            items = [Item(i, kind, t, content, life) for i, t in enumerate(checked) if isinstance(t, str)]
            results += self._writer.write(call, items, checked)
        return SendReport(tuple(results))

    def batch(
        self,
        items: Iterable[BatchItem | dict[str, Any]],
        *,
        app: str,
        by: Literal["registration_id", "alias"] = "registration_id",
        lane: Lane | str = Lane.TRANSACTIONAL,
    ) -> SendReport:
        """Store API batch items; they travel in as few calls as the lane makes of them. Reports as `send_many`."""
        return self.send_many((_send_of(item, by) for item in items), app=app, lane=lane)

    def push(self, *, app: str, lane: Lane | str = Lane.TRANSACTIONAL, **content: Unpack[PushKeywords]) -> Receipt:
        """Store one push to an audience; the keywords are the fields of `PushRequest` and those of every push.

        Raises:
            InvalidPush, UnknownApp, IdempotencyConflict, QueueFull, BrokerUnavailable: see `producers.errors`.
        """
        return self._push(Kind.SINGLE, app, lane, content)

    def group_push(
        self, *, app: str, lane: Lane | str = Lane.TRANSACTIONAL, **content: Unpack[PushKeywords]
    ) -> Receipt:
        """Store one push to all apps of a group (group-push-api page), with the group credentials of `app`'s workers.

        What each app did is in `status().detail`. A group push has no proven cid: one that may have been sent is never
        repeated and ends as *unknown*. Raises as `push`.
        """
        return self._push(Kind.GROUP, app, lane, content)

    def validate(self, *, app: str, timeout: float = 10.0, **content: Unpack[PushKeywords]) -> Status:
        """Let the API check a push without sending it, and wait up to `timeout` seconds for its verdict: `accepted`,
        or `rejected` with code and message. Costs a unit of quota. Raises as `push`, and `WaitTimeout`.
        """
        return self._push(Kind.VALIDATE, app, Lane.URGENT, content).wait(timeout)

    def status(self, push_id: str, *, app: str) -> Status:
        """Where a push stands. An unknown id, or one whose outcome is no longer kept, is `ABSENT`.

        Raises:
            InvalidPush: `push_id` has not the form of an id.
            BrokerUnavailable: Redis did not answer.
        """
        if not isinstance(push_id, str) or not ids.is_push_id(push_id):
            raise InvalidPush("push_id", "must have the 24 characters that a receipt shows")
        return self._outcomes.of(Receipt(push_id, app, ""))

    def cancel(self, push_id: str, *, app: str) -> Cancellation:
        """Take back a push that has not left; the answer says how far that went. Cancelling twice is cancelling once.

        Raises:
            InvalidPush: `push_id` has not the form of an id.
            UnknownApp, BrokerUnavailable: nothing is known to have changed; cancel again.
            TooManyCancellations: as many cancelled pushes as are remembered wait for their turn.
        """
        return cancel_push(self._redis, self._profile(app), push_id)

    def close(self) -> None:
        """Close the connections of this process."""
        self._redis.close()

    def _profile(self, app: str) -> Profile:
        if not isinstance(app, str):
            raise InvalidPush("app", "must be the name of an app")
        try:
            if keys.APP_NAME.fullmatch(app) is None:
                raise UnknownApp(app, known=self._profiles.known())
            return self._profiles.get(app)
        except (Unanswered, Refused) as error:
            raise BrokerUnavailable([], maybe_stored=False) from error

    def _push(self, kind: Kind, app: str, lane: Lane | str, content: PushKeywords) -> Receipt:
        call = Call(self._profile(app), read_lane(lane))
        key = check_key(content.get("idempotency_key"))
        push_id = check_push_ids([content.get("push_id") or ""])[0]
        request = PushRequest.read({name: value for name, value in content.items() if name not in OF_EVERY_PUSH})
        item = Item(
            0,
            kind,
            NO_TARGET,
            request.encode(call.profile, self._limits, kind),
            life_ms(content.get("expires_in"), call.profile.max_age_ms(call.lane)),
            check_identity(app, key, push_id),
            key or "",
            bool(content.get("sensitive")),
            request.request_id or "",
        )
        return _one(self._writer.write(call, [item], [None]))

    def _send_chunk(
        self, call: Call, chunk: Sequence[tuple[Send | Mapping[str, Any], str]]
    ) -> list[Receipt | PushError]:
        items: list[Item] = []
        results: list[Any] = [None] * len(chunk)
        for position, (value, push_id) in enumerate(chunk):
            try:
                items.append(self._item(call, position, value, push_id))
            except InvalidPush as error:
                results[position] = error
        return self._writer.write(call, items, results)

    def _item(self, call: Call, position: int, value: Send | Mapping[str, Any], push_id: str) -> Item:
        send = Send.read(value)
        kind, target = send.addressed()
        key = check_key(send.idempotency_key)
        life = life_ms(send.expires_in, call.profile.max_age_ms(call.lane))
        content = send.encode(call.profile, self._limits)
        identity = check_identity(call.profile.app, key, push_id)
        return Item(position, kind, target, content, life, identity, key or "", bool(send.sensitive))


def _checked(check: Callable[[str], str], target: str) -> str | InvalidPush:
    try:
        return check(target)
    except InvalidPush as error:
        return error


def _targets(name: str, values: Iterable[str]) -> Iterator[str]:
    if isinstance(values, str | bytes):
        raise InvalidPush(name, "must hold several targets, not be one")
    return iter(values)


def _one(results: Sequence[Receipt | Exception]) -> Receipt:
    result = results[0]
    if isinstance(result, Receipt):
        return result
    raise result


def _send_of(item: BatchItem | dict[str, Any], by: Literal["registration_id", "alias"]) -> Send | dict[str, Any]:
    if isinstance(item, BatchItem):
        item = {name: getattr(item, name) for name in BatchItem.model_fields}
    target = item.get("target")
    return {by: target, **{name: value for name, value in item.items() if name != "target"}}
