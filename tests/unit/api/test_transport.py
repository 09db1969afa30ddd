"""The transport against real sockets on loopback, each behaving badly in its own way."""

import gzip
import socket
import ssl
import struct
import threading
import time
import zlib
from pathlib import Path

import httpx
import pytest

from worker.api import ErrorClass, PushApi
from worker.api.transport import MAX_ANSWER_BYTES, AnswerLost, DeadlineTransport, RequestNotSent, verifying_context

DEADLINE = 0.3
"""As the clients of these tests are made."""
SLACK = 1.0
"""What a loaded machine may add."""

CERTIFICATE = Path(__file__).with_name("loopback.pem")

OK = b'{"msg_id":"9"}'


def timed(api: PushApi, body: bytes = b"{}"):
    start = time.monotonic()
    answer = api.single(body)
    return answer, time.monotonic() - start


def assert_ambiguous(answer):
    assert answer.fault is not None
    assert (answer.fault.kind, answer.fault.maybe_sent) == (ErrorClass.AMBIGUOUS, True)


def test_an_answer_is_read_and_its_connection_used_again(serve, wire, connect):
    read_request, write_answer = wire

    def script(connection):
        while read_request(connection):
            connection.sendall(write_answer(OK))

    server = serve(script)
    api = connect(server.url)
    assert [api.single(b"{}").msg_id for _ in range(5)] == ["9"] * 5
    assert server.connections == 1


def test_a_trickle_of_headers_does_not_outlive_the_deadline(serve, wire, connect):
    def script(connection):
        wire[0](connection)
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    answer, elapsed = timed(connect(serve(script).url))
    assert_ambiguous(answer)
    assert DEADLINE <= elapsed < DEADLINE + SLACK


def test_a_trickle_of_body_does_not_outlive_the_deadline(serve, wire, connect):
    def script(connection):
        wire[0](connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" ")
            time.sleep(0.02)

    answer, elapsed = timed(connect(serve(script).url))
    assert_ambiguous(answer)
    assert DEADLINE <= elapsed < DEADLINE + SLACK


def test_an_endless_row_of_interim_answers_does_not_outlive_the_deadline(serve, wire, connect):
    def script(connection):
        wire[0](connection)
        for _ in range(1000):
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            time.sleep(0.02)

    answer, elapsed = timed(connect(serve(script).url))
    assert_ambiguous(answer)
    assert elapsed < DEADLINE + SLACK


def test_silence_is_ambiguous_when_the_deadline_comes(serve, wire, connect):
    released = threading.Event()

    def script(connection):
        wire[0](connection)
        released.wait(5)

    answer, elapsed = timed(connect(serve(script).url))
    released.set()
    assert_ambiguous(answer)
    assert elapsed < DEADLINE + SLACK


def test_a_server_that_reads_slowly_does_not_outlive_the_deadline(serve, connect):
    released = threading.Event()

    def script(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while not released.wait(0.02) and connection.recv(4096):
            pass

    answer, elapsed = timed(connect(serve(script).url), b"x" * 32_000_000)
    released.set()
    assert_ambiguous(answer)
    assert elapsed < DEADLINE + SLACK


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
                                  b"nonsense\r\n\r\n",
                                  b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"])  # fmt: skip
def test_a_close_after_reading_the_request_is_ambiguous(serve, wire, connect, sent):
    def script(connection):
        wire[0](connection)
        connection.sendall(sent)

    server = serve(script)
    assert_ambiguous(connect(server.url).single(b"{}"))
    assert server.connections == 1


def test_a_reset_after_reading_the_request_is_ambiguous(serve, wire, connect):
    def script(connection):
        wire[0](connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert_ambiguous(connect(serve(script).url).single(b"{}"))


def test_a_refused_connection_was_never_sent(connect):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = connect(f"http://127.0.0.1:{port}").single(b"{}")
    assert (answer.fault.kind, answer.fault.maybe_sent) == (ErrorClass.UNSENT, False)
    assert "ConnectError" in answer.fault.message


def test_a_listener_with_a_full_queue_was_never_sent(connect):
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        answer, elapsed = timed(connect(f"http://127.0.0.1:{listener.getsockname()[1]}"))
    assert answer.fault.kind is ErrorClass.UNSENT
    assert elapsed < DEADLINE + SLACK


def test_a_server_without_tls_was_never_sent_a_request(serve, connect):
    def script(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    answer = connect(serve(script).url.replace("http:", "https:")).single(b"{}")
    assert answer.fault.kind is ErrorClass.UNSENT


def test_a_tls_handshake_that_hangs_does_not_outlive_the_deadline(serve, connect):
    released = threading.Event()
    server = serve(lambda _: released.wait(5))
    answer, elapsed = timed(connect(server.url.replace("http:", "https:")))
    released.set()
    assert answer.fault.kind is ErrorClass.UNSENT
    assert elapsed < DEADLINE + SLACK


@pytest.fixture
def serve_tls(serve, wire):
    """A server whose certificate, for loopback only, no authority has signed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)

    def script(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            while wire[0](secured):
                secured.sendall(wire[1](OK))

    return serve(script)


def test_a_call_over_tls_reuses_its_connection(serve_tls, connect):
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    transport = DeadlineTransport(ssl_context=trusting)
    api = connect(serve_tls.url.replace("http:", "https:"), transport=transport, deadline_seconds=5.0)
    assert [api.single(b"x" * 300_000).msg_id for _ in range(3)] == ["9"] * 3
    assert serve_tls.connections == 1


def test_a_certificate_that_nobody_vouches_for_stops_the_call_before_the_request(serve_tls, connect):
    answer = connect(serve_tls.url.replace("http:", "https:"), deadline_seconds=5.0, connect_seconds=3.0).single(b"{}")
    assert answer.fault.kind is ErrorClass.UNSENT
    assert "CERTIFICATE_VERIFY_FAILED" in answer.fault.message


def test_an_answer_larger_than_any_of_this_api_is_ambiguous(serve, wire, connect):
    def script(connection):
        wire[0](connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(MAX_ANSWER_BYTES // 1_000_000 + 4):
            connection.sendall(b" " * 1_000_000)

    answer = connect(serve(script).url, deadline_seconds=5.0).single(b"{}")
    assert_ambiguous(answer)
    assert "larger" in answer.fault.message


def test_a_connection_closed_while_idle_is_replaced_unnoticed(serve, wire, connect):
    def script(connection):
        wire[0](connection)
        connection.sendall(wire[1](OK))

    server = serve(script)
    api = connect(server.url)
    for expected in (1, 2, 3):
        assert api.single(b"{}").msg_id == "9"
        assert server.connections == expected
        time.sleep(0.02)


def test_a_kept_connection_that_closes_on_the_next_request_is_ambiguous(serve, wire, connect):
    def script(connection):
        wire[0](connection)
        connection.sendall(wire[1](OK))
        wire[0](connection)

    server = serve(script)
    api = connect(server.url)
    assert api.single(b"{}").msg_id == "9"
    assert_ambiguous(api.single(b"{}"))
    assert api.single(b"{}").msg_id == "9"
    assert server.connections == 2


def test_a_refusal_sent_before_the_request_was_read_is_still_read(serve, wire, connect):
    refusal = wire[1](b'{"error":{"code":21005,"message":"too large"}}', status=b"400 Bad Request")

    def script(connection):
        connection.recv(100)
        connection.sendall(refusal)
        while connection.recv(1 << 20):
            pass

    answer = connect(serve(script).url, deadline_seconds=2.0).single(b"x" * 1_000_000)
    assert answer.fault.code == 21005


@pytest.mark.parametrize(("coding", "pack"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)])
def test_a_compressed_answer_is_read_though_not_asked_for(serve, wire, connect, coding, pack):
    def script(connection):
        assert b"identity" in wire[0](connection)
        connection.sendall(wire[1](pack(OK), b"Content-Encoding: " + coding))

    assert connect(serve(script).url).single(b"{}").msg_id == "9"


@pytest.mark.parametrize(
    ("coding", "body"),
    [(b"gzip", gzip.compress(b" " * (MAX_ANSWER_BYTES + 1))), (b"gzip", gzip.compress(OK)[:-9]), (b"gzip", b"no"),
     (b"br", b"x")],
)  # fmt: skip
def test_a_compressed_answer_that_cannot_be_read_is_ambiguous(serve, wire, connect, coding, body):
    def script(connection):
        wire[0](connection)
        connection.sendall(wire[1](body, b"Content-Encoding: " + coding))

    assert_ambiguous(connect(serve(script).url, deadline_seconds=2.0).single(b"{}"))


def test_a_deadline_that_has_passed_sends_nothing(serve):
    server = serve(lambda _: None)
    transport = DeadlineTransport()
    with httpx.Client(transport=transport) as client, pytest.raises(RequestNotSent):
        client.get(server.url, extensions={"deadline": time.monotonic() - 1})
    assert server.connections == 0


def test_without_an_extension_the_transport_has_its_own_deadline(serve, wire):
    released = threading.Event()
    server = serve(lambda _: released.wait(5))
    start = time.monotonic()
    with httpx.Client(transport=DeadlineTransport(deadline_seconds=0.2)) as client, pytest.raises(AnswerLost):
        client.post(server.url, content=b"x")
    released.set()
    assert time.monotonic() - start < 0.2 + SLACK


def test_certificates_are_verified_with_one_context():
    context = verifying_context()
    assert context is verifying_context()
    assert context.check_hostname
