"""Printed curl, Python and Node requests, run as they are, reach the sandbox and carry exactly the bytes they should.

The programs speak to a relay that keeps what it receives and passes it on to the sandbox. Java and Go are compared with
golden files, in the unit tests.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from producers.cli import main
from producers.ids import derive_push_id
from producers.requests import HEADERS, Dialect, Request, render
from tests.sandbox.driver import GROUP, KEY, SECRET, Sandbox, push_request, running

TEXTS: list[str] = json.loads((Path(__file__).parents[1] / "golden" / "requests" / "texts.json").read_text())
RANDOM_BODIES = 60
DANGEROUS = "'\"\\`$(){}!@#%&;<>n\n\r\tux0 \u00e9\u2028\ufeff\U0001f600"

PROGRAMS = {"curl": "curl", "python": sys.executable, "node": "node"}
STARTS = {"curl": ["sh"], "python": [sys.executable], "node": ["node"]}
SUFFIXES = {"curl": "sh", "python": "py", "node": "js"}


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int


class Relay(ThreadingHTTPServer):
    """Passes requests on to the sandbox, and remembers them."""

    # Node sends all at once.
    request_queue_size = 256

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sandbox = sandbox
        self.onward = httpx.Client(base_url=sandbox.url, timeout=30)
        self.received: list[Received] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Relay

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        passed = {name: headers[name] for name in headers.keys() & {"authorization", "content-type"}}
        answer = self.server.onward.request(self.command, self.path, content=body, headers=passed)
        self.server.received.append(Received(self.command, self.path, headers, body, answer.status_code))
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_DELETE = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    group_key = GROUP[0].removeprefix("group-")
    group = ("--group-key", group_key, "--group-secret", GROUP[1])
    with running("--app-key", KEY, "--master-secret", SECRET, *group, "--quota", "0") as server:
        yield server


@pytest.fixture
def relay(sandbox: Sandbox) -> Iterator[Relay]:
    sandbox.control("reset")
    with Relay(sandbox) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.onward.close()


@pytest.fixture(params=PROGRAMS)
def dialect(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Dialect:
    """Each dialect that runs on this machine. One that cannot says so in the output, and is an error when CI=1."""
    name = str(request.param)
    if shutil.which(PROGRAMS[name]) is None:
        note = f"not run: printed {name} requests, because {PROGRAMS[name]} is missing"
        if os.environ.get("CI") == "1":
            pytest.fail(note)
        with capsys.disabled():
            sys.stdout.write(f"\n{note}\n")
        pytest.skip(note)
    return Dialect(name)


@pytest.fixture
def run(dialect: Dialect, tmp_path: Path) -> Callable[[str], str]:
    """Runs a printed program as a user would, in a locale that knows ASCII only; gives its output."""

    def run_program(code: str) -> str:
        program = tmp_path / f"request.{SUFFIXES[dialect]}"
        program.write_bytes(code.encode())
        secrets = {"APP_KEY": KEY, "MASTER_SECRET": SECRET}
        secrets |= {"GROUP_KEY": GROUP[0].removeprefix("group-"), "GROUP_SECRET": GROUP[1]}
        # No .curlrc, no proxy.
        surroundings = {"HOME": str(tmp_path), "NO_PROXY": "*", "no_proxy": "*", "LC_ALL": "C"}
        environment = {**os.environ, **surroundings, **secrets}
        command = [*STARTS[dialect], str(program)]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run_program


def test_a_printed_send_is_delivered_once(dialect, run, relay, capsys):
    extras = {f"text_{number}": text for number, text in enumerate(TEXTS)}
    content = {"android": {"alert": "It's `here` $HOME \\ \U0001f600", "extras": extras}}
    words = ["send", "--app", "shop", "--registration-id", "rid_1", "--notification", json.dumps(content)]
    words += ["--platform", "android", "--idempotency-key", "order-7", "--base-url", relay.url, "--show", dialect]
    assert main([*words, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["request"]
    assert main(words) == 0
    code = capsys.readouterr().out
    assert not {KEY, SECRET} & set(code.split())
    assert '"success":true' in run(code)
    assert '"success":true' in run(code)

    first, second = relay.received
    assert (first.method, first.path, first.status) == ("POST", "/v4/batch/push/regid", 200)
    assert first.body == second.body == shown["body"].encode()
    assert json.loads(first.body)["requests"][0]["notification"] == content
    assert {name: first.headers[name.lower()] for name in HEADERS} == dict(HEADERS)
    (delivery,) = relay.sandbox.deliveries()["deliveries"]
    assert (delivery["device"], delivery["cid"]) == ("rid_1", derive_push_id("shop", "order-7"))


def test_any_text_arrives_byte_by_byte(dialect, run, relay):
    rng = random.Random(20_260_801)  # noqa: S311 - the same texts in every run
    bodies = [*TEXTS, *("".join(rng.choices(DANGEROUS, k=rng.randint(1, 40))) for _ in range(RANDOM_BODIES))]
    bodies += ["\U0001f600'\\" * 30_000]
    programs = [render(Request("POST", "/v4/push", body.encode()), dialect, relay.url) for body in bodies]
    # Programs of their own, in one process: starting one costs more than the request.
    own_scope = "{{\n{}}}\n" if dialect is Dialect.NODE else "{}"
    run("".join(map(own_scope.format, programs)))
    assert sorted(got.body for got in relay.received) == sorted(body.encode() for body in bodies)


def test_other_methods_and_group_credentials_work_too(dialect, run, relay):
    msg_id = relay.sandbox.push().json()["msg_id"]
    assert msg_id in run(render(Request("DELETE", f"/v4/push/withdraw/{msg_id}"), dialect, relay.url))
    push = json.dumps(push_request()).encode()
    assert "group_msgid" in run(render(Request("POST", "/v4/grouppush", push, "group"), dialect, relay.url))
    assert [(got.method, got.status) for got in relay.received] == [("DELETE", 200), ("POST", 200)]


def test_a_refusal_is_shown(dialect, run, relay):
    assert "21002" in run(render(Request("POST", "/v4/push", b'{"to":"all"}'), dialect, relay.url))
