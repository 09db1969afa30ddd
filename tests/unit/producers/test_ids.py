"""No outcome slot is handed out twice, however many threads and processes ask."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from producers import ids


def test_threads_never_share_a_slot() -> None:
    """Nor do the runs of one thread overlap."""
    allocator = ids.SlotAllocator()
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda i: allocator.take(1 + i % 7), range(4_000)))
    slots = [(run.bucket, run.first + i) for run in runs for i in range(run.count)]
    assert len(set(slots)) == len(slots)
    assert all(index < ids.BUCKET_SLOTS for _, index in slots)


def test_a_full_bucket_is_followed_by_another() -> None:
    """A run lies in one bucket, even if slots stay unused."""
    allocator = ids.SlotAllocator()
    first, second = allocator.take(4_000), allocator.take(97)
    assert (first.bucket, first.first, second.first) != (second.bucket, 0, 4_000)
    assert second.bucket != first.bucket
    assert allocator.take(ids.BUCKET_SLOTS).first == 0


@pytest.mark.parametrize("count", [0, -1, 4_097])
def test_a_run_that_fits_no_bucket_is_refused(count: int) -> None:
    """At once, not after it was stored."""
    with pytest.raises(ValueError, match="1 to 4096"):
        ids.SlotAllocator().take(count)


@pytest.mark.parametrize("is_held", [False, True], ids=["idle", "while another thread takes"])
def test_a_forked_child_names_buckets_of_its_own(is_held: bool) -> None:
    """Also when the fork came just as another thread held the lock."""
    allocator = ids.SlotAllocator()
    parent = allocator.take(3)
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    child = context.Process(target=lambda: writer.send(allocator.take(3)))
    if is_held:
        with allocator._lock:
            child.start()
    else:
        child.start()
    try:
        assert reader.poll(5), "the child hangs"
        run = reader.recv()
    finally:
        if child.is_alive():
            child.join(0.5)
        if child.is_alive():
            child.kill()
        child.join(5)
        reader.close()
        writer.close()
    assert run.bucket != parent.bucket
    assert allocator.take(1).bucket == parent.bucket
    assert os.getpid() != child.pid


def test_derived_ids_are_the_same_everywhere() -> None:
    """They are part of what applications rely on: a change would double pushes during a deployment."""
    assert ids.derive_push_id("shop", "order-1") == ids.derive_push_id("shop", "order-1")
    assert ids.derive_push_id("shop", "order-1") != ids.derive_push_id("shop2", "order-1")
    assert len(ids.derive_push_id("shop", "")) == 24


@pytest.mark.parametrize(
    "value",
    ["", "0" * 23, "0" * 25, "z" * 24, "0" * 21 + "zzz", "A" * 24, "0" * 23 + "i", "0" * 23 + "\n", "l" + "0" * 23],
)
def test_what_no_receipt_can_show_is_no_push_id(value: str) -> None:
    """A look-up never meets a slot that cannot exist."""
    assert not ids.is_push_id(value)
