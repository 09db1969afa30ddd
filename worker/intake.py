"""Pushes that arrive as Celery messages: the wire contract for other Celery apps and other languages.

A message's task id is its idempotency key, so a redelivered message stores nothing twice.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celery.exceptions import Reject
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from config.logs import event
from producers import Producer, PushError, Receipt, contract
from producers.connection import DeadlineRedis
from producers.contract import VERSION
from producers.errors import BrokerUnavailable, QueueFull

STRAYS = "push:strays"
STRAYS_KEPT = 1_000
STRAY_BYTES = 4_096
PATIENCE_SECONDS = 15.0
_PASSING = (BrokerUnavailable, QueueFull)


@dataclass(frozen=True, slots=True)
class Intake:
    """Stores what messages ask for; what no producer can store becomes a stray, for a person to look at."""

    producer: Producer
    redis: DeadlineRedis

    def send(self, task_id: str, push: Mapping[str, Any]) -> dict[str, Any]:
        """`push.send`: the keywords of `Producer.send` as JSON."""
        return self._store(contract.TASK_SEND, task_id, push, [push], self.producer.send)

    def request(self, task_id: str, push: Mapping[str, Any]) -> dict[str, Any]:
        """`push.request`: the keywords of `Producer.push` as JSON; `from` is spelt as in the API."""
        spelt = {"from_" if name == "from" else name: value for name, value in push.items()}
        return self._store(contract.TASK_REQUEST, task_id, push, [spelt], self.producer.push)

    def batch(self, task_id: str, pushes: Mapping[str, Any]) -> dict[str, Any]:
        """`push.batch`: `app`, `lane` and `sends`, a list of what `push.send` takes without these two."""
        shared = {name: pushes[name] for name in ("app", "lane", "v") if name in pushes}
        sends = pushes.get("sends")
        if not isinstance(sends, list) or not all(isinstance(send, dict) for send in sends):
            return self._stray(contract.TASK_BATCH, task_id, pushes, "sends: must be a list of objects")
        each = [{**send, **shared} for send in sends]
        return self._store(contract.TASK_BATCH, task_id, pushes, each, self.producer.send)

    def _store(
        self,
        task: str,
        task_id: str,
        message: Mapping[str, Any],
        pushes: Sequence[Mapping[str, Any]],
        store: Callable[..., Receipt],
    ) -> dict[str, Any]:
        stored, refused = 0, 0
        for position, push in enumerate(pushes):
            try:
                self._patiently(store, push, f"{task_id}/{position}")
                stored += 1
            except _PASSING as error:
                # The broker gives the message to another worker; what is stored already is met by its key.
                raise Reject(str(error), requeue=True) from error
            except (PushError, TypeError, ValueError) as error:
                refused += 1
                self._stray(task, task_id, push, str(error))
        return {"app": str(message.get("app"))[:40], "stored": stored, "refused": refused}

    def _patiently(self, store: Callable[..., Receipt], push: Mapping[str, Any], key: str) -> Receipt:
        keywords = {name: value for name, value in push.items() if name != "v"}
        if push.get("v", VERSION) not in (VERSION - 1, VERSION):
            raise TypeError(f"v: this worker understands version {VERSION}")
        keywords["idempotency_key"] = keywords.get("idempotency_key") or key
        retrying = Retrying(
            retry=retry_if_exception_type(_PASSING),
            wait=wait_exponential_jitter(multiplier=0.1, max=2.0, jitter=0.1),
            stop=stop_after_delay(PATIENCE_SECONDS),
            reraise=True,
        )
        return retrying(store, **keywords)

    def _stray(self, task: str, task_id: str, message: object, reason: str) -> dict[str, Any]:
        keep_stray(self.redis, task, task_id, message, reason)
        return {"stored": 0, "refused": 1}


def keep_stray(redis: DeadlineRedis, task: str, task_id: str, message: object, reason: str) -> None:
    """Keep a message that nobody can act on, up to 4 KB of it and the last 1,000 of them."""
    try:
        # Escaped, because a message may hold what is no Unicode text at all.
        text = json.dumps(message, default=str)[:STRAY_BYTES]
    except ValueError:
        text = "(a message that JSON cannot show)"
    words = ("task", task, "id", task_id, "reason", reason, "kwargs", text)
    redis.call("XADD", STRAYS, "MAXLEN", STRAYS_KEPT, "*", *[word.encode(errors="backslashreplace") for word in words])
    event("push.message.strayed", task=task, task_id=task_id, reason=reason[:200])
