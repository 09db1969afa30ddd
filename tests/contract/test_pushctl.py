"""The installed `pushctl` against a real Redis, one that works and one that is gone."""

import json
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest

from config.embedded import EmbeddedRedis
from producers.outcomes import Slot, State
from tests.contract.apps import APP

PUSHCTL = Path(sysconfig.get_path("scripts")) / "pushctl"
TO_SHOP = ("send", "--app", APP, "--alias", "user_42", "--alert", "hi")


def pushctl(url: str, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON of one command."""
    command = [str(PUSHCTL), *words, "--json", "--redis-url", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_what_send_stores_status_finds(redis_server, redis_client, shop):
    code, receipt = pushctl(redis_server.url, *TO_SHOP)
    assert (code, receipt["ok"]) == (0, True)
    push_id = receipt["push_id"]
    code, found = pushctl(redis_server.url, "status", push_id, "--app", APP)
    assert (code, found["state"]) == (0, "pending")
    slot = Slot(State.ACCEPTED, attempts=1, msg_id=4711, at_seconds=1_800_000_000)
    redis_client.setrange(f"push:{{shop}}:slots:{push_id[9:21]}", 0, slot.pack())
    code, found = pushctl(redis_server.url, "status", push_id, "--app", APP, "--wait", "5")
    assert (code, found["state"], found["msg_id"], found["attempts"]) == (0, "accepted", "4711", 1)
    assert found["at"] == "2027-01-15T08:00:00+00:00"


def test_a_wait_without_workers_ends_in_time(redis_server, shop):
    started = time.monotonic()
    code, answer = pushctl(redis_server.url, *TO_SHOP, "--wait", "0.5")
    assert (code, answer["state"]) == (1, "pending")
    assert time.monotonic() - started < 3


def test_a_key_makes_a_repeat_harmless(redis_server, redis_client, shop):
    words = (*TO_SHOP, "--idempotency-key", "order-7")
    (_, first), (_, second) = pushctl(redis_server.url, *words), pushctl(redis_server.url, *words)
    assert (second["push_id"], first["duplicate"], second["duplicate"]) == (first["push_id"], False, True)
    assert pushctl(redis_server.url, *words[:-4], "--alert", "other", *words[-2:])[1]["error"] == "IdempotencyConflict"
    assert redis_client.xlen("push:{shop}:lane:transactional:alias") == 1


@pytest.mark.parametrize("command", ["send", "status"])
def test_without_redis_the_answer_comes_soon_and_says_what_is_known(tmp_path, command):
    server = EmbeddedRedis(tmp_path)
    server.start()
    server.kill()
    words = TO_SHOP if command == "send" else ("status", "0" * 24, "--app", APP)
    started = time.monotonic()
    code, answer = pushctl(server.url, *words)
    assert time.monotonic() - started < 4
    assert (code, answer["ok"]) == (1, False)
    assert "cannot connect" in answer["reason"]
    assert len(answer["push_id"]) == 24
    if command == "send":
        assert answer["maybe_stored"] is False
