"""A server that answers a byte per second, headers and all: no call outlives its deadline, and no lease its worker."""

import socket
import threading
import time
from contextlib import closing
from io import BufferedIOBase
from types import TracebackType
from typing import Self

import httpx
import pytest

from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, report_figures, sends

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

DEADLINE_SECONDS = 1.5
MARGIN_SECONDS = 0.5
"""For two busy cores: the call itself ends within milliseconds of its deadline."""
NUMBERS = {
    "call_deadline_ms": 1_500,
    "lease_ms": 3_500,
    "retry_base_ms": 100,
    "retry_cap_ms": 500,
    "ambiguous_delay_ms": 500,
}
TRICKLE_SECONDS = 3.5


class Trickle:
    """In front of the sandbox: passes each request on, and its answer back one byte per second while it `is_slow`.

    The `part` is where that begins: headers or body.
    """

    def __init__(self, part: str) -> None:
        self.upstream = ""
        self._part = part
        self.is_slow = False
        self.call_seconds: list[float] = []
        """How long the client stayed, for each answer that trickled."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads = [threading.Thread(target=self._accept)]
        self._over = threading.Event()

    @property
    def url(self) -> str:
        """Where the workers call."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener.settimeout(0.1)
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection), connection.makefile("rb") as source, httpx.Client(trust_env=False) as client:
            path, headers, body = _read_request(source)
            began = time.monotonic()
            answer = client.post(self.upstream + path, headers=headers, content=body)
            head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n" % answer.status_code
            head += b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(answer.content)
            if not self.is_slow:
                connection.sendall(head + answer.content)
                return
            at_once = b"" if self._part == "headers" else head
            connection.sendall(at_once)
            self._trickle(connection, (head + answer.content)[len(at_once) :])
            self.call_seconds.append(time.monotonic() - began)

    def _trickle(self, connection: socket.socket, reply: bytes) -> None:
        for index in range(len(reply)):
            connection.sendall(reply[index : index + 1])
            if self._over.is_set() or _is_gone_within(connection, 1.0):
                return


def _is_gone_within(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def _read_request(source: BufferedIOBase) -> tuple[str, dict[str, str], bytes]:
    path = source.readline().split()[1].decode()
    headers = {}
    while line := source.readline().decode().strip():
        name, value = line.split(": ", 1)
        headers[name.lower()] = value
    return path, headers, source.read(int(headers.pop("content-length")))


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_trickling_server_holds_no_call_beyond_its_deadline_and_costs_no_lease(tmp_path, capsys, part):
    """For seconds answers come a byte per second, from their headers on or from their body on: every call ends at
    its deadline, every lease is settled by its holder, and afterwards each push has reached its device once.
    """
    with Trickle(part) as trickle:
        environment = {"PUSH_APPS__shop__BASE_URL": trickle.url}
        options = SandboxOptions(quota=500)
        with Stack(tmp_path, sandbox=options, delivery=NUMBERS, environment=environment) as stack:
            trickle.upstream, trickle.is_slow = stack.sandbox_url, True
            receipts = stack.producer().send_many(sends("trickle", 300), app="shop").receipts
            time.sleep(TRICKLE_SECONDS)
            assert stack.books().accepted == 0, "the server did not trickle, so the test showed nothing"
            trickle.is_slow = False
            books = stack.wait_drained(timeout=40)
            counts = assert_each_once(stack, [receipt.push_id for receipt in receipts])

            assert "push.lease.lost" not in stack.workers[0].log()
            assert (books.accepted, assert_balanced(stack)) == (300, books)
            assert counts["cid_hits"] > 0
    calls, longest = len(trickle.call_seconds), max(trickle.call_seconds)
    report_figures(
        capsys, f"{part} at 1 byte/s: {calls} calls, the longest {longest:.2f} s; cid hits {counts['cid_hits']}"
    )
    assert longest < DEADLINE_SECONDS + MARGIN_SECONDS
