"""For the test suites of applications: a producer that validates like the real one, stores nothing and keeps a record.

producer = RecordingProducer(apps={"shop": True})
welcome(producer, user)                             # the code under test takes a Producer
assert producer.sent[0].target == "rid-of-user"
assert producer.sent[0].content["notification"] == {"alert": "Welcome"}
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any, Literal

from . import ids
from .connection import DeadlineRedis
from .contract import Kind, Lane
from .errors import BrokerUnavailable, IdempotencyConflict, PushError, UnknownApp
from .intake import Enqueuer, Lettered, Stream
from .lookup import Outcomes
from .models import Limits
from .models.limits import DEFAULT_LIMITS
from .outcomes import State
from .producer import Producer
from .profiles import Profile, Profiles
from .receipts import Receipt, Status
from .writing import Writer

_NO_ADDRESS = "redis://0.0.0.0:1/0"


@dataclass(frozen=True, slots=True)
class SentPush:
    """One push that a real producer would have stored.

    `content` is the JSON that would go to the API, without the target and the cid, which are members of their own here.
    """

    push_id: str
    app: str
    lane: Lane
    kind: Kind
    target: str
    content: dict[str, Any]
    life_ms: int
    idempotency_key: str | None


class RecordingProducer(Producer):
    """A `Producer` for tests: same calls, same validation, same errors, no Redis. Safe for threads.

    Args:
        apps: the known apps, each with its `apns_production` setting (or just their names); any other name raises
            `UnknownApp`. Not given: every name is known.
        apns_production: the setting of the apps that have none of their own. As with the real one, a push that can
            reach iOS and chooses no environment is invalid while this is None.
        limits: as for `Producer`.
    """

    def __init__(
        self,
        apps: Mapping[str, bool | None] | Iterable[str] | None = None,
        *,
        apns_production: bool | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__(_NO_ADDRESS, limits=limits)
        known = apps if isinstance(apps, Mapping) or apps is None else dict.fromkeys(apps)
        # The collaborators of a producer that speak to Redis; all before them is the real code.
        redis = _NoRedis(_NO_ADDRESS, deadline_seconds=0.0)
        self._record = _Record()
        self._redis = redis
        self._profiles = _TestProfiles(redis, known, apns_production)
        self._outcomes = _TestOutcomes(redis, self._record)
        self._writer = Writer(_Recorder(redis, self._profiles, self._outcomes, self._record), ids.SlotAllocator())

    @property
    def sent(self) -> list[SentPush]:
        """What was stored so far, in order. A duplicate or a refused push is not among it."""
        with self._record.lock:
            return list(self._record.sent)

    def clear(self) -> None:
        """Forget everything that was sent, idempotency keys included, and every prepared error and outcome."""
        with self._record.lock:
            self._record.clear()

    def raise_next(self, *errors: PushError, on: Literal["send", "status"] = "send") -> None:
        """Answer the next write (or the next look at an outcome) with an error, as many as are given, in order.

        `send` raises it; `send_many` and `send_to_many` report it for each push of one round trip, as the real ones do.
        A `BrokerUnavailable` without push ids gets those of the pushes. Nothing is recorded.
        """
        with self._record.lock:
            self._record.errors[on].extend(errors)

    def set_outcome(self, state: State, *, code: int = 0, message: str = "", push_id: str | None = None) -> None:
        """What `status` and `receipt.wait` answer from now on: for one push, or for all that have none of their own.

        The default is `State.ACCEPTED`. With `State.PENDING`, `wait` ends in `WaitTimeout`.
        """
        with self._record.lock:
            self._record.outcomes[push_id] = _Outcome(state, code, message)


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: State = State.ACCEPTED
    code: int = 0
    message: str = ""


@dataclass(slots=True)
class _Record:
    """The memory of one producer."""

    sent: list[SentPush] = field(default_factory=list)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    outcomes: dict[str | None, _Outcome] = field(default_factory=dict)
    errors: dict[str, deque[PushError]] = field(default_factory=lambda: {"send": deque(), "status": deque()})
    lock: RLock = field(default_factory=RLock)

    def clear(self) -> None:
        self.sent.clear()
        self.digests.clear()
        self.outcomes.clear()
        for errors in self.errors.values():
            errors.clear()

    def next_error(self, on: str) -> PushError | None:
        """The error prepared for this moment, if there is one."""
        return self.errors[on].popleft() if self.errors[on] else None


class _NoRedis(DeadlineRedis):
    def call(self, *command: bytes | str | int) -> Any:
        raise NotImplementedError(f"RecordingProducer has no answer to {command[0]!r}; it records sends")


class _TestProfiles(Profiles):
    def __init__(self, redis: DeadlineRedis, apps: Mapping[str, bool | None] | None, apns_production: bool | None):
        super().__init__(redis)
        self._apps = apps
        self._apns_production = apns_production

    def get(self, app: str) -> Profile:
        if self._apps is not None and app not in self._apps:
            raise UnknownApp(app, known=self.known())
        profile = Profile.read(app, {})
        environment = (self._apps or {}).get(app)
        if environment is None:
            environment = self._apns_production
        # Whether an app has a group and allows broadcasts is for its workers to say, and there are none.
        return replace(profile, apns_production=environment, allows_broadcast=True, has_group=True)

    def known(self) -> list[str]:
        return sorted(self._apps or {})


class _TestOutcomes(Outcomes):
    def __init__(self, redis: DeadlineRedis, record: _Record) -> None:
        super().__init__(redis)
        self._record = record

    def of(self, receipt: Receipt) -> Status:
        record = self._record
        with record.lock:
            if error := record.next_error("status"):
                raise _about(error, receipt.push_id)
            if (receipt.app, receipt.push_id) not in record.digests:
                return Status(receipt.push_id, receipt.app, State.ABSENT)
            outcome = record.outcomes.get(receipt.push_id) or record.outcomes.get(None) or _Outcome()
        msg_id = "1" if outcome.state is State.ACCEPTED else ""
        return Status(receipt.push_id, receipt.app, outcome.state, msg_id, outcome.code, outcome.message)


class _Recorder(Enqueuer):
    """Keeps what it is given; the answers are those of the script `enqueue`."""

    def __init__(self, redis: DeadlineRedis, profiles: Profiles, outcomes: Outcomes, record: _Record) -> None:
        super().__init__(redis, profiles, outcomes.of)
        self._record = record

    def write(
        self,
        stream: Stream,
        run: ids.SlotRun,  # noqa: ARG002 - nothing has slots here
        pushes: Sequence[Lettered],
    ) -> list[Receipt | PushError]:
        with self._record.lock:
            if error := self._record.next_error("send"):
                return [_about(error, push.push_id) for push in pushes]
            return [self._keep(stream, push) for push in pushes]

    def _keep(self, stream: Stream, push: Lettered) -> Receipt | PushError:
        app = stream.profile.app
        known = self._record.digests.get((app, push.push_id))
        if known is not None and known != push.digest:
            return IdempotencyConflict(push.push_id, push.idempotency_key)
        if known is None:
            self._record.digests[app, push.push_id] = push.digest
            self._record.sent.append(_sent(stream, push))
        # A repeat under a random id is answered as the first time; only a key can tell that it is a duplicate.
        is_duplicate = known is not None and bool(push.digest)
        return Receipt(push.push_id, app, stream.lane, is_duplicate, look_up=self._look_up)


def _about(error: PushError, push_id: str) -> PushError:
    if isinstance(error, BrokerUnavailable) and not error.push_ids:
        return BrokerUnavailable([push_id], error.maybe_stored)
    return error


def _sent(stream: Stream, push: Lettered) -> SentPush:
    content: dict[str, Any] = json.loads(push.body)
    is_whole = "body" in content
    if is_whole and content["request_id"] == push.push_id:
        del content["request_id"]
    content.pop("target", None)
    part = content["body"] if is_whole else content
    del part["options"]["cid"]
    if not part["options"]:
        del part["options"]
    return SentPush(
        push.push_id,
        stream.profile.app,
        stream.lane,
        stream.kind,
        push.target,
        content,
        push.life_ms,
        push.idempotency_key or None,
    )
