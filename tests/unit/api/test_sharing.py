"""One client, several threads."""

import itertools
import threading
import time

from worker.api import ErrorClass

OK = b'{"msg_id":"9"}'


def test_eight_threads_share_one_client_and_each_gets_its_own_answer(serve, wire, connect):
    read_request, write_answer = wire

    def script(connection):
        while request := read_request(connection):
            number = request.rpartition(b"\r\n\r\n")[2]
            connection.sendall(write_answer(b'{"msg_id":"' + number + b'"}'))

    server = serve(script)
    api = connect(server.url, deadline_seconds=5.0, connect_seconds=5.0, max_connections=4)
    numbers = [[str(1000 * thread + index) for index in range(1, 41)] for thread in range(8)]
    got: list[list[str]] = [[] for _ in numbers]

    def run(thread: int) -> None:
        got[thread] = [api.single(number.encode()).msg_id for number in numbers[thread]]

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == numbers
    assert server.connections <= 4


def test_waiting_for_a_free_connection_is_bounded_and_was_never_sent(serve, wire, connect):
    reached, released = threading.Event(), threading.Event()

    def script(connection):
        wire[0](connection)
        reached.set()
        released.wait(5)

    api = connect(serve(script).url, deadline_seconds=1.0, connect_seconds=0.1, max_connections=1)
    holder = threading.Thread(target=api.single, args=(b"{}",))
    holder.start()
    assert reached.wait(5)
    answer = api.single(b"{}")
    released.set()
    holder.join()
    assert answer.fault.kind is ErrorClass.UNSENT
    assert "free" in answer.fault.message


def test_a_slow_call_does_not_take_the_time_of_another(serve, wire, connect):
    count = itertools.count()
    released = threading.Event()

    def script(connection):
        if next(count) == 0:
            wire[0](connection)
            released.wait(5)
        elif wire[0](connection):
            connection.sendall(wire[1](OK))

    server = serve(script)
    api = connect(server.url, deadline_seconds=1.0)
    slow = threading.Thread(target=api.single, args=(b"{}",))
    slow.start()
    while not server.connections:
        time.sleep(0.005)
    start = time.monotonic()
    answer = api.single(b"{}")
    elapsed = time.monotonic() - start
    released.set()
    slow.join()
    assert (answer.msg_id, elapsed < 0.9) == ("9", True)
