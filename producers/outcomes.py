"""What a push can end as, and the 16-byte slot that keeps it.

A slot is ``state, attempts, code, msg_id, time``: 1 + 1 + 2 + 8 + 4 bytes, little endian. `msg_id` is the API's decimal
string as a number (0 = none), `code` the vendor's error code (0 = none), `time` unix seconds of the outcome.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

_SLOT = struct.Struct("<BBHQI")
SLOT_BYTES = _SLOT.size


class State(IntEnum):
    """State byte of a slot: 1 is pending (queued, leased or delayed), 2 to 8 are outcomes, final but for a replay."""

    ABSENT = 0
    PENDING = 1
    ACCEPTED = 2
    REJECTED = 3
    EXPIRED = 4
    CANCELLED = 5
    UNKNOWN = 6
    DEAD = 7
    PURGED = 8
    DUPLICATE = 0xFE
    CONFLICT = 0xFD

    @property
    def is_outcome(self) -> bool:
        """Whether a push in this state is settled."""
        return State.ACCEPTED <= self <= State.PURGED

    @property
    def word(self) -> str:
        """The state as the documentation and `pushctl` spell it."""
        return _WORDS[self]


_WORDS = {state: state.name.lower() for state in State}


@dataclass(frozen=True, slots=True)
class Slot:
    """The recorded fate of one push."""

    state: State
    attempts: int = 0
    code: int = 0
    msg_id: int = 0
    at_seconds: int = 0

    def pack(self) -> bytes:
        """The 16 bytes. Numbers that do not fit are held at their limit."""
        return _SLOT.pack(
            self.state,
            min(self.attempts, 0xFF),
            min(self.code, 0xFFFF),
            self.msg_id if self.msg_id < 2**64 else 0,
            self.at_seconds,
        )


def unpack_slot(raw: bytes) -> Slot:
    """The slot in `raw`; a short or empty string is `ABSENT` (nothing recorded, or its life is over)."""
    if len(raw) < SLOT_BYTES:
        return Slot(State.ABSENT)
    state, attempts, code, msg_id, at_seconds = _SLOT.unpack(raw[:SLOT_BYTES])
    return Slot(State(state), attempts, code, msg_id, at_seconds)
