"""What the parts share during one run: sizes, stacks, and the figures measured so far."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.settings import Settings, load_settings
from producers.connection import DeadlineRedis
from sandbox.stack import SandboxOptions, Stack
from worker.registration import register_apps

from .figures import Figure

APP = "shop"
UNLIMITED = SandboxOptions(quota=0)


class Unmeasured(RuntimeError):
    """A run did not do what its figure claims, so there is no figure."""


@dataclass
class Run:
    """One run of the figures. `directory` holds logs and data of its stacks."""

    directory: Path
    scale: float = 1.0
    is_full: bool = False
    say: Callable[[str], None] = print
    figures: dict[str, Figure] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    """What a later part needs of an earlier one and is no figure."""
    _stacks: int = 0

    def size(self, count: int, least: int = 1) -> int:
        """`count`, scaled."""
        return max(least, round(count * self.scale))

    def record(self, name: str, value: float, conditions: str) -> None:
        """Keep a figure of this run."""
        self.figures[name] = Figure(name, value, conditions)

    def record_ratio(self, name: str, of: str, over: str, conditions: str) -> None:
        """Keep `of / over` if this run has measured both; never with a number of another run."""
        if of in self.figures and over in self.figures:
            self.record(name, self.figures[of].value / self.figures[over].value, conditions)

    def stack(self, **options: Any) -> Stack:
        """A stack in a folder of its own; without a quota unless `sandbox` names one."""
        self._stacks += 1
        return Stack(self.directory / f"stack{self._stacks}", **{"sandbox": UNLIMITED, **options})


def settings_of(stack: Stack) -> Settings:
    """The settings that the processes of the stack have."""
    return load_settings(stack.environment)


def register(stack: Stack) -> None:
    """Make the apps known to producers, as a worker does at its start; for stacks without one."""
    redis = DeadlineRedis(stack.redis_url, deadline_seconds=5.0)
    register_apps(redis, settings_of(stack))
    redis.close()


def wait_until(is_done: Callable[[], bool], timeout: float, what: str, pause: float = 0.005) -> float:
    """Poll until `is_done`; returns the monotonic time at which it was seen.

    Raises:
        Unmeasured: it took longer than `timeout` seconds.
    """
    until = time.monotonic() + timeout
    while not is_done():
        if time.monotonic() > until:
            raise Unmeasured(f"{what}: not within {timeout:.0f} s")
        time.sleep(pause)
    return time.monotonic()
