"""The process itself: start, options, clean end, and what it may import."""

import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.sandbox.driver import KEY, READY, ROOT, SECRET, Sandbox, push_request


def start(*options: str) -> subprocess.Popen[str]:
    """The server as a child process."""
    command = [sys.executable, "-m", "sandbox", "serve", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_fast_and_cleanly_even_with_a_hanging_call(number):
    """Exit status 0 within two seconds, nothing on standard output but the ready line."""
    process = start("--port", "0")
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip().removeprefix(READY)
        with httpx.Client(base_url=url, auth=(KEY, SECRET), timeout=0.2) as client:
            client.post("/_sandbox/faults", json=[{"kind": "latency", "seconds": 60}])
            with pytest.raises(httpx.ReadTimeout):
                client.post("/v4/push", json=push_request())
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(timeout=5) == 0
            assert time.monotonic() - began < 2
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "options",
    [
        ("--app-key", "a"),
        ("--app-key", "a", "--master-secret", "b", "--app-key", "a", "--master-secret", "c"),
        ("--quota", "-1"),
        ("--quota-shape", "round"),
        ("--set", "nothing=1"),
        ("--set", "throttle_status=500"),
    ],
)
def test_wrong_options_are_a_usage_error(options):
    """Exit status 2 and a text on standard error."""
    process = start("--port", "0", *options)
    try:
        _, text = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 2
    assert "error:" in text


def test_settings_are_shown_and_wrong_ones_refused(sandbox: Sandbox):
    """The control API names the setting."""
    assert sandbox.control("settings", method="GET")["quota"] == 500
    for change in ({"quotas": 1}, {"quota": "many"}, {"quota_shape": "round"}, {"latency_ms": -1}):
        answer = sandbox.http.post("/_sandbox/settings", json=change)
        assert answer.status_code == 400
        assert next(iter(change)) in answer.json()["error"]


def test_the_clock_only_moves_forward(sandbox: Sandbox):
    """By an amount or to an instant."""
    now = sandbox.control("clock", {})["now"]
    assert sandbox.control("clock", {"set": now + 500})["now"] == pytest.approx(now + 500, abs=1)
    assert sandbox.http.post("/_sandbox/clock", json={"advance_seconds": -1}).status_code == 400
    assert sandbox.http.post("/_sandbox/clock", json={"set": now}).status_code == 400


def test_the_api_knows_nothing_of_the_system_it_stands_in_for():
    """Starting the server loads nothing of the worker, the settings or the producers (the demo beside it does)."""
    program = (
        "import sys, sandbox.cli\n"
        "foreign = {'worker', 'config', 'producers', 'celery', 'redis', 'httpx', 'pydantic'}\n"
        "print(sorted(foreign & {name.split('.')[0] for name in sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
