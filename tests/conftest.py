"""What every suite shares: a clean environment, a real Redis of its own, and proof that nothing is left running."""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest
import redis

from config.embedded import EmbeddedRedis

RUN_MARK = "ENGAGELAB_TEST_RUN"
ORPHAN_GRACE_SECONDS = 5.0


@pytest.fixture(scope="session", autouse=True)
def _no_orphans() -> Iterator[None]:
    """Fails the run if a process that a test started outlives it. Set up first, so it looks last."""
    mark = uuid.uuid4().hex
    os.environ[RUN_MARK] = mark
    yield
    del os.environ[RUN_MARK]
    until = time.monotonic() + ORPHAN_GRACE_SECONDS
    while (orphans := _marked_processes(mark)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not orphans, f"left running: {orphans}"


def _marked_processes(mark: str) -> dict[int, str]:
    # Only Linux shows other processes' environments; elsewhere the guard sees nothing.
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{RUN_MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def _no_push_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the PUSH_* variables of whoever runs it."""
    for name in list(os.environ):
        if name.upper().startswith("PUSH_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """One real Redis for the run. A test that kills or stops its server starts an EmbeddedRedis of its own."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), appendfsync="everysec") as server:
        yield server


@pytest.fixture
def redis_client(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A client of the real Redis, empty at the start of each test; answers bytes, retries nothing."""
    client = redis_server.client()
    client.flushall()
    yield client
    client.close()


@pytest.fixture(params=["fakeredis", "redis"])
def any_redis(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """Runs the test twice: on fakeredis with Lua and on the real Redis."""
    if request.param == "redis":
        yield request.getfixturevalue("redis_client")
        return
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(6, 2)))
    yield client
    client.close()
