"""The objects of one worker process, built from the settings on first use; a forked child builds its own."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from pydantic import SecretStr

from config.settings import AppSettings, Settings
from producers import Producer
from producers.connection import DeadlineRedis

from .admission import Admission
from .api import PushApi
from .calls import Caller
from .delivery import Delivery, Timing
from .gate import CredentialGate
from .intake import Intake
from .lanes import Lanes
from .memory import mark_if_full
from .registration import register_apps
from .settlement import Judge

REDIS_DEADLINE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Process:
    """What the tasks and the bell of one process share."""

    settings: Settings
    redis: DeadlineRedis
    lanes: dict[str, Lanes]
    deliveries: dict[str, Delivery]
    gates: dict[str, CredentialGate]
    admission: Admission
    intake: Intake

    def register(self) -> None:
        """Tell producers which apps are served here."""
        register_apps(self.redis, self.settings)

    def tend(self, app: str) -> bool:
        """Keep an eye on the memory of Redis; True when refused credentials of `app` should be probed now."""
        mark_if_full(self.redis, app, self.settings.delivery.memory_watermark_percent)
        return self.gates[app].wants_probe()

    def probe(self, app: str) -> None:
        """Ask the API whether it takes the credentials of `app` again, and open or keep its gate."""
        self.gates[app].judge(self.deliveries[app].caller.probe())

    def close(self) -> None:
        """Close the connections of this process."""
        for delivery in self.deliveries.values():
            delivery.caller.close()
        self.redis.close()


@dataclass(slots=True)
class Runtime:
    """Gives every process its own `Process`: connections must not cross a fork."""

    load: Callable[[], Settings]
    stopping: threading.Event = field(default_factory=threading.Event)
    _process: Process | None = None
    _pid: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def process(self) -> Process:
        """The objects of this process."""
        with self._lock:
            if self._process is None or self._pid != os.getpid():
                self._process = build_process(self.load(), self.stopping)
                self._pid = os.getpid()
            return self._process


def build_process(settings: Settings, stopping: threading.Event) -> Process:
    """Build everything a worker process needs. Opens no connection yet."""
    url = settings.redis_url.get_secret_value()
    redis = DeadlineRedis(url, deadline_seconds=REDIS_DEADLINE_SECONDS)
    timing = Timing(stopping=stopping)
    deliveries = {
        name: _delivery(name, app, settings, redis, timing) for name, app in settings.apps.items() if app.mode != "off"
    }
    lanes = {name: delivery.lanes for name, delivery in deliveries.items()}
    admission = Admission(settings.delivery.worker_threads, len(settings.apps))
    producer = Producer(url, deadline_seconds=REDIS_DEADLINE_SECONDS)
    gates = {name: CredentialGate(redis, name, fingerprint(settings.apps[name])) for name in deliveries}
    return Process(settings, redis, lanes, deliveries, gates, admission, Intake(producer, redis))


def _delivery(name: str, app: AppSettings, settings: Settings, redis: DeadlineRedis, timing: Timing) -> Delivery:
    is_rehearsal = app.mode == "validate"
    # The validate endpoint takes one push at a time.
    numbers = settings.delivery.model_copy(update={"max_batch": 1}) if is_rehearsal else settings.delivery
    lanes = Lanes(redis, name, app.quota_per_second, numbers, fingerprint(app))
    judge = Judge(numbers, Random())  # noqa: S311 - jitter, not a secret
    caller = Caller(_api(app, settings), _group_api(app, settings), validate_only=is_rehearsal)
    return Delivery(lanes, caller, judge, numbers, timing, allow_list=app.allow_list)


def fingerprint(app: AppSettings) -> str:
    """Tells credentials apart without giving them away: a gate that one secret closed is open to its successor."""
    return sha256(f"{app.app_key}:{app.master_secret.get_secret_value()}".encode()).hexdigest()[:12]


def _api(app: AppSettings, settings: Settings) -> PushApi:
    return _push_api(app.app_key, app.master_secret, app, settings)


def _group_api(app: AppSettings, settings: Settings) -> PushApi | None:
    if app.group_key is None or app.group_secret is None:
        return None
    return _push_api(f"group-{app.group_key}", app.group_secret, app, settings)


def _push_api(username: str, password: SecretStr, app: AppSettings, settings: Settings) -> PushApi:
    return PushApi(
        username,
        password.get_secret_value(),
        base_url=app.api_base_url,
        deadline_seconds=settings.delivery.call_deadline_ms / 1000,
        max_connections=settings.delivery.worker_threads,
    )
