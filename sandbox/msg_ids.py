"""msg_ids: 64-bit, rising, with the time of their push inside, so that their age needs no table."""

_TIME_SHIFT = 22


class MsgIds:
    """Hands out ids that never repeat, whatever the clock does."""

    def __init__(self) -> None:
        self._last = 0

    def reserve(self, now: float, count: int) -> int:
        """The first of `count` consecutive ids. `now` is the sandbox clock, unix seconds."""
        first = max(self._last + 1, int(now * 1000) << _TIME_SHIFT)
        self._last = first + count - 1
        return first


def issued_at(msg_id: int) -> float:
    """The sandbox time, unix seconds, at which the id was made."""
    return (msg_id >> _TIME_SHIFT) / 1000
