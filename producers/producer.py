"""What applications call: `Producer.send` and its kin. Validates here, stores in Redis, returns a receipt.

No thread, no global state, and nothing of Celery: a producer never touches the host's current Celery app.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, Self

from . import ids
from .connection import DeadlineRedis, Refused, Unanswered
from .contract import Kind, Lane
from .encoding import Content, check_alias, check_registration_id
from .errors import BrokerUnavailable, InvalidPush, PushError
from .intake import PER_ROUND_TRIP, Enqueuer, Lettered, Stream, now_ms
from .lookup import Outcomes
from .models import Limits, Message, Notification, Options
from .models.limits import DEFAULT_LIMITS
from .profiles import Profile, Profiles
from .receipts import Receipt, SendReport, Status
from .sends import Send, check_key, life_ms, read_lane

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
PENDING_MAX = 5_000_000


class Producer:
    """Enqueues pushes. One per process is enough; safe for threads, and for a fork after it was made (gunicorn).

    `deadline_seconds` bounds every call, connecting included. `pending_max` is how many pushes an app may have waiting.
    """

    def __init__(
        self,
        redis_url: str = DEFAULT_REDIS_URL,
        *,
        deadline_seconds: float = 1.0,
        pending_max: int = PENDING_MAX,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._redis = DeadlineRedis(redis_url, deadline_seconds=deadline_seconds)
        self._profiles = Profiles(self._redis)
        self._outcomes = Outcomes(self._redis)
        self._enqueuer = Enqueuer(self._redis, self._profiles, self._outcomes.of, pending_max=pending_max)
        self._slots = ids.SlotAllocator()
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
        platform: str | Sequence[str] = "all",
        options: Options | dict[str, Any] | None = None,
        custom_args: dict[str, Any] | str | None = None,
        lane: Lane | str = Lane.TRANSACTIONAL,
        expires_in: float | timedelta | None = None,
        idempotency_key: str | None = None,
        push_id: str | None = None,
    ) -> Receipt:
        """Store one push for one device or alias, and return its receipt.

        Args:
            expires_in: seconds (or a timedelta) after which it is not worth sending; the lane's maximum age bounds it.
            idempotency_key: a repeat with the same key and content returns the first receipt, marked `duplicate`.
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
        )
        result = self.send_many([one], app=app, lane=lane, push_ids=None if push_id is None else [push_id]).results[0]
        if isinstance(result, Receipt):
            return result
        raise result

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
        reported as `BrokerUnavailable` without being tried. `push_ids` repeats a call under its first ids.

        Raises:
            UnknownApp, BrokerUnavailable: before anything was stored.
            InvalidPush: an argument of the call itself, such as `lane`, is wrong.
        """
        call = _Call(self._profile(app), read_lane(lane), iter(push_ids or ()))
        results: list[Receipt | PushError] = []
        remaining = iter(sends)
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
        platform: str | Sequence[str] = "all",
        options: Options | dict[str, Any] | None = None,
        custom_args: dict[str, Any] | str | None = None,
        lane: Lane | str = Lane.TRANSACTIONAL,
        expires_in: float | timedelta | None = None,
    ) -> SendReport:
        """Store one content for many targets: validated and encoded once. Reports and raises as `send_many`;
        a wrong content raises `InvalidPush`.
        """
        call = _Call(self._profile(app), read_lane(lane), iter(()))
        if (registration_ids is None) == (aliases is None):
            raise InvalidPush("registration_ids", "give either registration_ids or aliases")
        kind, check = (Kind.REGID, check_registration_id) if aliases is None else (Kind.ALIAS, check_alias)
        content = Send(
            notification=notification, message=message, platform=platform, options=options, custom_args=custom_args
        ).encode(call.profile, self._limits)
        life = life_ms(expires_in, call.profile.max_age_ms(call.lane))
        results: list[Receipt | PushError] = []
        remaining = iter((registration_ids if aliases is None else aliases) or ())
        while chunk := list(islice(remaining, PER_ROUND_TRIP)):
            checked = [_checked(check, target) for target in chunk]
            group = [_Item(i, t, content, life) for i, t in enumerate(checked) if isinstance(t, str)]
            results += self._write(call, {(kind, False): group}, checked)
        return SendReport(tuple(results))

    def status(self, push_id: str, *, app: str) -> Status:
        """Where a push stands. An unknown id, or one whose outcome is no longer kept, is `ABSENT`.

        Raises:
            InvalidPush: `push_id` has not the form of an id.
            BrokerUnavailable: Redis did not answer.
        """
        if not ids.is_push_id(push_id):
            raise InvalidPush("push_id", "must have the 24 characters that a receipt shows")
        return self._outcomes.of(Receipt(push_id, app, ""))

    def close(self) -> None:
        """Close the connections of this process."""
        self._redis.close()

    def _profile(self, app: str) -> Profile:
        try:
            return self._profiles.get(app)
        except (Unanswered, Refused) as error:
            raise BrokerUnavailable([], maybe_stored=False) from error

    def _send_chunk(self, call: "_Call", chunk: Sequence[Send | Mapping[str, Any]]) -> list[Receipt | PushError]:
        groups: dict[tuple[Kind, bool], list[_Item]] = defaultdict(list)
        results: list[Any] = []
        for position, value in enumerate(chunk):
            try:
                send = Send.read(value)
                kind, target = send.addressed()
                key = check_key(send.idempotency_key)
                life = life_ms(send.expires_in, call.profile.max_age_ms(call.lane))
                item = _Item(position, target, send.encode(call.profile, self._limits), life, key or "")
            except InvalidPush as error:
                results.append(error)
            else:
                results.append(None)
                groups[kind, key is not None].append(item)
        return self._write(call, groups, results)

    def _write(
        self, call: "_Call", groups: "Mapping[tuple[Kind, bool], list[_Item]]", results: list[Any]
    ) -> list[Receipt | PushError]:
        for (kind, is_keyed), items in groups.items():
            if not items:
                continue
            run, push_ids = self._identify(call, items, is_keyed)
            if call.is_cut_off:
                written: Sequence[Receipt | PushError] = [BrokerUnavailable([each], False) for each in push_ids]
            else:
                letters = list(map(_Item.lettered, items, push_ids))
                written = self._enqueuer.write(Stream(call.profile, call.lane, kind), run, letters)
                call.is_cut_off = isinstance(written[0], BrokerUnavailable)
            for item, result in zip(items, written, strict=True):
                results[item.position] = result
        return results

    def _identify(self, call: "_Call", items: "list[_Item]", is_keyed: bool) -> tuple[ids.SlotRun, list[str]]:
        if is_keyed:
            derived = [ids.derive_push_id(call.profile.app, item.key) for item in items]
            return self._slots.take(len(items)), derived
        given = list(islice(call.push_ids, len(items)))
        if given:
            return _repeated(given, len(items)), given
        run = self._slots.take(len(items))
        return run, run.push_ids(now_ms())


@dataclass(slots=True)
class _Call:
    """One call of an application, over all its round trips."""

    profile: Profile
    lane: Lane
    push_ids: Iterator[str]
    is_cut_off: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """One valid send of a chunk."""

    position: int
    target: str
    content: Content
    life_ms: int
    key: str = ""

    def lettered(self, push_id: str) -> Lettered:
        digest = sha256(f"{self.content.digest}{self.target}".encode()).hexdigest()[:32] if self.key else ""
        body = self.content.item(self.target, push_id)
        return Lettered(push_id, self.target, body, self.life_ms, digest, self.key)


def _checked(check: Callable[[str], str], target: str) -> str | InvalidPush:
    try:
        return check(target)
    except InvalidPush as error:
        return error


def _repeated(push_ids: Sequence[str], count: int) -> ids.SlotRun:
    try:
        if len(push_ids) != count:
            raise ValueError("one push id per send")
        return ids.runs_of(push_ids)
    except ValueError as error:
        raise InvalidPush("push_id", f"repeat the send with the ids of its first try: {error}") from None
