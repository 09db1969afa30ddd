"""Runs `pushctl` in this process against a recording producer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from producers.cli import main, send, status
from producers.testing import RecordingProducer


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
