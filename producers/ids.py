"""Push ids, and the outcome slot that an id names.

A push id has 24 characters of Crockford's base 32 and doubles as the `cid` of the API (64 characters of
`[A-Za-z0-9_-]` at the most, avoid-duplicate-push page)::

    1j9rk2m0c  4t8x0q2mzk7w  01f
    time (ms)  bucket        slot      a random, sortable id
    k + 23 characters of SHA-256       an id derived from (app, idempotency key)

The last 15 characters of a random id are its *slot reference*: the outcome bucket and the position in it. A derived
id has no slot of its own; its idempotency record names the one in use.
"""

import hashlib
import os
import re
import secrets
import threading
import time
import weakref
from dataclasses import dataclass

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PUSH_ID_LENGTH = 24
REF_LENGTH = 15
BUCKET_LENGTH = 12
BUCKET_SLOTS = 4096
BUCKET_SECONDS = 600
DERIVED_MARK = "k"


def _encode(value: int, length: int) -> str:
    characters = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))


_SLOT_NAMES = tuple(_encode(index, 3) for index in range(BUCKET_SLOTS))
_SLOT_INDEXES = {name: index for index, name in enumerate(_SLOT_NAMES)}
_REF = re.compile(f"[{ALPHABET}]{{12}}[0-3][{ALPHABET}]{{2}}")
_PUSH_ID = re.compile(f"{DERIVED_MARK}[{ALPHABET}]{{23}}|[0-9a-j][{ALPHABET}]{{8}}{_REF.pattern}")


@dataclass(frozen=True, slots=True)
class SlotRun:
    """Consecutive outcome slots `first … first + count - 1` of one bucket, reserved by this process."""

    bucket: str
    first: int
    count: int

    def push_ids(self, now_ms: int) -> list[str]:
        """One random id per slot; they sort by `now_ms`, then by slot."""
        prefix = _encode(now_ms, 9) + self.bucket
        return [prefix + name for name in _SLOT_NAMES[self.first : self.first + self.count]]


class SlotAllocator:
    """Hands out outcome slots without asking Redis: a process owns the buckets it names.

    Safe for threads; a forked child starts a bucket of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._bucket = ""
        self._next = BUCKET_SLOTS
        self._fresh_until = 0.0
        _allocators.add(self)

    def take(self, count: int) -> SlotRun:
        """Reserve `count` (1 to 4,096) consecutive slots of one bucket."""
        if not 1 <= count <= BUCKET_SLOTS:
            raise ValueError(f"count must be 1 to {BUCKET_SLOTS}, not {count}")
        with self._lock:
            if self._is_spent(count):
                self._bucket = _encode(secrets.randbits(5 * BUCKET_LENGTH), BUCKET_LENGTH)
                self._next = 0
                self._pid = os.getpid()
                self._fresh_until = time.monotonic() + BUCKET_SECONDS
            first = self._next
            self._next += count
            return SlotRun(self._bucket, first, count)

    def _after_fork(self) -> None:
        # Another thread of the parent may have held the lock; nobody is left to release it.
        self._lock = threading.Lock()

    def _is_spent(self, count: int) -> bool:
        return self._next + count > BUCKET_SLOTS or self._pid != os.getpid() or time.monotonic() > self._fresh_until


_allocators: "weakref.WeakSet[SlotAllocator]" = weakref.WeakSet()


def _renew_locks() -> None:
    for allocator in list(_allocators):
        allocator._after_fork()


os.register_at_fork(after_in_child=_renew_locks)


def derive_push_id(app: str, idempotency_key: str) -> str:
    """The id that (app, key) always gets, so that a repeat meets the same `cid` even after a lost write."""
    digest = hashlib.sha256(f"{app}\0{idempotency_key}".encode()).digest()
    return DERIVED_MARK + _encode(int.from_bytes(digest[:15], "big"), PUSH_ID_LENGTH - 1)


def is_derived(push_id: str) -> bool:
    """Whether the id comes from an idempotency key, and so names no slot itself."""
    return push_id.startswith(DERIVED_MARK)


def is_push_id(value: str) -> bool:
    """Whether `value` has the form of a push id; says nothing of its existence."""
    return _PUSH_ID.fullmatch(value) is not None


def slot_ref(push_id: str) -> str:
    """The slot reference inside a random push id."""
    return push_id[-REF_LENGTH:]


def make_ref(bucket: str, index: int) -> str:
    """The reference of slot `index` of `bucket`."""
    return bucket + _SLOT_NAMES[index]


def split_ref(ref: str) -> tuple[str, int]:
    """Bucket and slot index of a reference that is known to be one."""
    return ref[:BUCKET_LENGTH], _SLOT_INDEXES[ref[BUCKET_LENGTH:]]


def read_ref(ref: str) -> tuple[str, int]:
    """Bucket and slot index of a reference. Raises `ValueError` for anything else."""
    if _REF.fullmatch(ref) is None:
        raise ValueError("not a slot reference")
    return split_ref(ref)
