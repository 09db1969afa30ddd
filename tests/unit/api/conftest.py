"""Real sockets for the transport, and answers in memory for the layers above it."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from worker.api import PushApi

APP_KEY = "a1b2c3d4e5f6a1b2c3d4e5f6"
SECRET = "s3cr3ts3cr3ts3cr3ts3cr3t"

Script = Callable[[socket.socket], None]


class RawServer:
    """Listens on loopback and runs a script on each connection, in a thread of its own."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self.connections = 0
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._script(connection)

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(timeout=5)


def read_request(connection: socket.socket) -> bytes:
    """Read one request whole; empty when the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Write an answer with its length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: " + str(len(body)).encode(), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
def wire():
    """The two functions that the scripts of raw servers are made of."""
    return read_request, answer


@pytest.fixture
def serve() -> Iterator[Callable[[Script], RawServer]]:
    servers: list[RawServer] = []

    def start(script: Script) -> RawServer:
        servers.append(RawServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def secret() -> str:
    return SECRET


@pytest.fixture
def app_key() -> str:
    return APP_KEY


class Vendor:
    """Answers requests in memory, and remembers them."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.status = 200
        self.body: bytes | dict | list = {}
        self.headers: dict[str, str] = {}
        self.errors: list[Exception] = []
        self.transport = httpx.MockTransport(self._answer)

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]

    def says(self, body: bytes | dict | list, status: int = 200) -> None:
        self.body, self.status = body, status

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.errors:
            raise self.errors.pop(0)
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return httpx.Response(self.status, content=body, headers=self.headers)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def api(vendor: Vendor, slept: list[float]) -> Iterator[PushApi]:
    made = PushApi(APP_KEY, SECRET, base_url="http://api.test", transport=vendor.transport, sleep=slept.append)
    yield made
    made.close()


@pytest.fixture
def connect():
    """Makes clients with short time limits."""
    made = []

    def to(url: str, **options: Any) -> PushApi:
        limits: dict[str, Any] = {"deadline_seconds": 0.3, "connect_seconds": 0.2, **options}
        made.append(PushApi("key", "secret", base_url=url, **limits))
        return made[-1]

    yield to
    for api in made:
        api.close()
