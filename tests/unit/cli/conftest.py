"""Runs `pushctl` in this process against a recording producer, or against a Redis in memory."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import fakeredis
import pytest

from config.delivery import DeliverySettings
from producers import keys
from producers.cli import apps, cancel, dead, main, send, status
from producers.producer import Producer
from producers.profiles import Profiles
from producers.testing import RecordingProducer
from tests.lanes_fixture import APP, Bench, connect


@dataclass
class Pushctl:
    """One command line after the other; remembers what the last one printed."""

    producer: RecordingProducer
    read: Callable[[], Any]
    urls: list[str] = field(default_factory=list)
    out: str = ""
    err: str = ""

    def __call__(self, *words: str) -> int:
        """The exit code of `pushctl words…`."""
        code = main(words)
        captured = self.read()
        self.out, self.err = captured.out, captured.err
        return code

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        """The exit code, and the one object on stdout; nothing else may be printed."""
        code = self(*words, "--json")
        assert self.err == ""
        assert self.out.count("\n") == 1
        return code, json.loads(self.out)


@pytest.fixture
def pushctl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pushctl:
    """`pushctl` with the app `shop`, whose pushes are recorded."""
    command = Pushctl(RecordingProducer(apps={"shop": True}), capsys.readouterr)

    def open_recorder(redis_url: str) -> RecordingProducer:
        command.urls.append(redis_url)
        return command.producer

    for module in (send, status):
        monkeypatch.setattr(module, "open_producer", open_recorder)
    return command


@pytest.fixture
def shop(pushctl: Pushctl, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The app `shop` on a Redis in memory, which gives up after one attempt and asks for what is unknown."""
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(6, 2)))
    store = connect(client)
    bench = Bench(store, client, DeliverySettings(retry_attempts=1, transactional_unknown="ask"))
    client.sadd(keys.APPS, APP)
    producer = Producer()
    producer._redis, producer._profiles = store, Profiles(store)
    monkeypatch.setattr(cancel, "open_producer", lambda _: producer)
    for module in (apps, dead):
        monkeypatch.setattr(module, "open_redis", lambda _: store)
    yield bench
    producer.close()
    store.close()
    client.close()
