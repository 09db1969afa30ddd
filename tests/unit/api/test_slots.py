import threading
import time

import pytest

from worker.api.slots import Slots


def test_slots_are_limited_and_come_back():
    slots = Slots(2)
    assert slots.acquire(0)
    assert slots.acquire(0)
    assert not slots.acquire(0.01)
    slots.release()
    assert slots.acquire(0)


def test_a_waiter_that_gave_up_takes_no_slot():
    slots = Slots(1)
    assert slots.acquire(0)
    assert not slots.acquire(0)
    slots.release()
    assert slots.acquire(0)


def test_slots_go_out_in_the_order_of_asking():
    slots = Slots(1)
    assert slots.acquire(0)
    order: list[int] = []

    def wait(number: int) -> None:
        assert slots.acquire(5)
        order.append(number)
        slots.release()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(vars(slots)["_waiting"]) <= number:
            time.sleep(0.001)
    slots.release()
    for thread in threads:
        thread.join(timeout=5)
    assert order == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("handed_over", [False, True])
def test_an_exception_while_waiting_loses_no_slot(monkeypatch, handed_over):
    slots = Slots(1)
    assert slots.acquire(0)

    class Turn:
        def acquire(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return True
            if handed_over:
                slots.release()
            raise KeyboardInterrupt

        def release(self) -> None:
            pass

    monkeypatch.setattr(threading, "Lock", Turn)
    with pytest.raises(KeyboardInterrupt):
        slots.acquire(5)
    monkeypatch.undo()
    if not handed_over:
        slots.release()
    assert slots.acquire(0)
    assert not slots.acquire(0)


def test_a_slot_handed_over_at_the_last_moment_is_taken(monkeypatch):
    slots = Slots(1)
    assert slots.acquire(0)

    class Turn:
        def acquire(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return True
            slots.release()
            return False

        def release(self) -> None:
            pass

    monkeypatch.setattr(threading, "Lock", Turn)
    assert slots.acquire(5)
