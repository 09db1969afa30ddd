"""From encoded pushes to the durable write: one round trip for hundreds, and what each answer means."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import ids, keys
from .connection import DeadlineRedis, MemoryFull, Refused, Script, Unanswered
from .contract import LANE_CLASSES, Kind, Lane
from .errors import BrokerUnavailable, IdempotencyConflict, PushError, QueueFull, UnknownApp
from .profiles import Profile, Profiles
from .receipts import Receipt, Status

PER_ROUND_TRIP = 500
ENQUEUE = Script.load("enqueue")


@dataclass(frozen=True, slots=True)
class Lettered:
    """One encoded push on its way to a stream. `digest` is empty without an idempotency key."""

    push_id: str
    target: str
    body: bytes
    life_ms: int
    digest: str = ""
    flags: str = ""
    """`s` sensitive, `t` with a time to live."""
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """Where pushes go: one stream of a lane of an app."""

    profile: Profile
    lane: Lane
    kind: Kind


class Enqueuer:
    """Writes pushes to lanes. Safe for threads and forks."""

    def __init__(self, redis: DeadlineRedis, profiles: Profiles, look_up: Callable[[Receipt], Status]) -> None:
        self._redis = redis
        self._profiles = profiles
        self._look_up = look_up

    def write(self, stream: Stream, run: ids.SlotRun, pushes: Sequence[Lettered]) -> list[Receipt | PushError]:
        """Store up to 500 pushes in one step; one result each, in order. Never raises `PushError`.

        `run` names one outcome slot per push. Writing the same pushes with the same run again changes nothing.
        """
        try:
            reply = self._redis.run(ENQUEUE, keys.prefix(stream.profile.app), self._arguments(stream, run, pushes))
        except Unanswered as failure:
            return [BrokerUnavailable([push.push_id], failure.maybe_done) for push in pushes]
        except MemoryFull:
            return [QueueFull(stream.profile.app) for _ in pushes]
        except Refused:
            return [BrokerUnavailable([push.push_id], maybe_stored=False) for push in pushes]
        return self._read(reply, stream, run, pushes)

    def _arguments(self, stream: Stream, run: ids.SlotRun, pushes: Sequence[Lettered]) -> list[bytes | str | int]:
        arguments: list[bytes | str | int] = [
            stream.lane,
            stream.kind,
            LANE_CLASSES[stream.lane],
            stream.profile.pending_max,
            run.bucket,
            run.first,
            stream.profile.outcome_seconds,
            len(pushes),
        ]
        for push in pushes:
            arguments += (push.push_id, push.life_ms, push.target, push.body, push.digest, push.flags)
        return arguments

    def _read(
        self, reply: list[bytes], stream: Stream, run: ids.SlotRun, pushes: Sequence[Lettered]
    ) -> list[Receipt | PushError]:
        app = stream.profile.app
        if reply[0] == b"unknown":
            self._profiles.forget(app)
            return [UnknownApp(app) for _ in pushes]
        if reply[0] == b"full":
            pending = int(reply[1])
            full = QueueFull(app) if pending < 0 else QueueFull(app, pending, stream.profile.pending_max)
            return [full for _ in pushes]
        first_refs = iter(reply[2:])
        results: list[Receipt | PushError] = []
        for index, (mark, push) in enumerate(zip(reply[1].decode(), pushes, strict=True)):
            if mark == "c":
                results.append(IdempotencyConflict(push.push_id, push.idempotency_key))
                continue
            is_duplicate = mark == "d"
            ref = next(first_refs).decode() if is_duplicate else ids.make_ref(run.bucket, run.first + index)
            results.append(Receipt(push.push_id, app, stream.lane, is_duplicate, ref, self._look_up))
        return results


def now_ms() -> int:
    """Unix milliseconds of this machine; only the sortable part of random ids rests on it."""
    return time.time_ns() // 1_000_000
