"""The memory of cids: one hour per AppKey, successful pushes only (API reference, section 3)."""

from sandbox.msg_ids import issued_at

_SWEEP_SECONDS = 600.0


class CidMemory:
    """cid -> msg_id of its first successful push. The age is read from the msg_id."""

    def __init__(self, lifetime_seconds: float) -> None:
        self._lifetime = lifetime_seconds
        self._ids: dict[str, int] = {}
        self._next_sweep = 0.0

    def first_msg_id(self, cid: str, now: float) -> int | None:
        """The msg_id to answer again, or None when the cid is new or its life is over."""
        msg_id = self._ids.get(cid)
        if msg_id is None or now - issued_at(msg_id) >= self._lifetime:
            return None
        return msg_id

    def remember(self, cid: str, msg_id: int, now: float) -> None:
        """Keep the id; while an earlier one lives, that one stays (the first push wins)."""
        if self.first_msg_id(cid, now) is None:
            self._ids[cid] = msg_id

    def sweep(self, now: float) -> None:
        """Drop dead cids now and then, so that a long run stays bounded. Cheap when not due."""
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SWEEP_SECONDS
        self._ids = {cid: msg_id for cid, msg_id in self._ids.items() if now - issued_at(msg_id) < self._lifetime}


HeldCid = tuple[CidMemory, str, int]
"""A push whose cid is not remembered yet: (memory, cid, msg_id)."""


class CidsOfCall:
    """One memory at the time of one call. Without a memory (switched off) every cid is new."""

    __slots__ = ("_held", "_memory", "_now")

    def __init__(self, memory: CidMemory | None, now: float, held: list[HeldCid] | None) -> None:
        self._memory = memory
        self._now = now
        self._held = held
        if memory is not None:
            memory.sweep(now)

    def first_msg_id(self, cid: str | None) -> int | None:
        """The msg_id to answer again, or None for no cid, a new one and a dead one."""
        if cid is None or self._memory is None:
            return None
        return self._memory.first_msg_id(cid, self._now)

    def remember(self, cid: str | None, msg_id: int) -> None:
        """Note a successful push, now or, when the call holds its cids back, later."""
        if cid is None or self._memory is None:
            return
        if self._held is None:
            self._memory.remember(cid, msg_id, self._now)
        else:
            self._held.append((self._memory, cid, msg_id))


def remember_held(held: list[HeldCid], now: float) -> None:
    """Remember what a call has held back until its answer."""
    for memory, cid, msg_id in held:
        memory.remember(cid, msg_id, now)
