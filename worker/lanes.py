"""The Redis side of delivery: leases, settlements and slots of one app. Every script may safely run twice."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from config.delivery import DeliverySettings
from producers import keys
from producers.connection import DeadlineRedis, Refused, Script
from producers.contract import Lane, LaneClass

from .planner import Lease, RawEntry
from .scripts import load_script
from .settlement import GATE_THROTTLED_MS, Settlement

DEAD_LETTERS_KEPT = 100_000
SLOT_MARGIN_MS = 2_000
LANES_OF = {
    LaneClass.URGENT: (Lane.URGENT,),
    LaneClass.PUSH: (Lane.URGENT, Lane.TRANSACTIONAL),
    LaneClass.BULK: (Lane.URGENT, Lane.TRANSACTIONAL),
}
"""The lanes that a slice of a class serves, most urgent first: no class passes by a more urgent lane."""
OWN_LANES = {LaneClass.URGENT: (Lane.URGENT,), LaneClass.PUSH: (Lane.TRANSACTIONAL,)}
"""The lanes that a class is rung for."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back in `ms`: no other slice will."""

    ms: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing for this slice to do, which has left. `why`: empty, covered or closed (`detail` says which gate)."""

    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Expired entries were dropped; there may be more behind them."""


Answer = Lease | Wait | Leave | AskAgain


LEASE, SETTLE, OPEN, LEAVE, SWEEP, RENEW = map(load_script, ("lease", "settle", "open", "leave", "sweep", "renew"))


class Lanes:
    """The lanes of one app."""

    def __init__(
        self, redis: DeadlineRedis, app: str, quota_per_second: int, settings: DeliverySettings, fingerprint: str
    ) -> None:
        self.app = app
        self._redis = redis
        self._prefix = keys.prefix(app)
        self._settings = settings
        self._fingerprint = fingerprint
        self._quota = (quota_per_second, settings.quota_guard_ms)
        self._slice_units = max(1, quota_per_second * settings.quota_slice_ms // 1000)
        self._life_seconds = settings.outcome_retention_hours * 3600
        self._slot_life_ms = settings.slice_ms + SLOT_MARGIN_MS

    def open_slot(self, lane_class: LaneClass, slot: str) -> bool:
        """Open a slot for one slice; False when as many as allowed are open."""
        return bool(self._run(OPEN, lane_class, slot, self._settings.slots, self._slot_life_ms))

    def lease(self, lane_class: LaneClass, slot: str, token: str) -> Answer:
        """Ask for the next range, under a `token` that was never used before."""
        settings = self._settings
        reply = self._run(
            LEASE,
            ",".join(LANES_OF[lane_class]),
            lane_class,
            slot,
            token,
            settings.lease_ms,
            settings.max_batch,
            settings.linger_ms,
            *self._quota,
            self._slice_units,
            self._slot_life_ms,
            self._life_seconds,
            self._fingerprint,
        )
        return _read_answer(token, reply)

    def renew(self, token: str) -> int | str | None:
        """Take the quota of a lease again: the new grant's time, milliseconds to wait, or None if it is lost."""
        reply = self._run(RENEW, token, *self._quota, self._slice_units)
        match reply[0]:
            case b"granted":
                return str(reply[1].decode())
            case b"wait":
                return int(reply[1])
            case _:
                return None

    def settle(self, settlement: Settlement) -> bool:
        """Settle a lease; False when it was no longer ours, and nothing changed."""
        return bool(self._run(SETTLE, *self._settle_arguments(settlement)))

    def close_slot(self, lane_class: LaneClass, slot: str) -> None:
        """Close a slot whose slice never began; whoever uses up the share looks after the work."""
        self._redis.call("ZREM", f"{self._prefix}open:{lane_class}", slot)

    def leave(self, lane_class: LaneClass, slot: str) -> None:
        """Close a slot early; rings again where work is left."""
        self._run(LEAVE, lane_class, slot, ",".join(LANES_OF[lane_class]))

    def sweep(self, tick_ms: int) -> int:
        """Ring for what nobody looks after; -1 when another worker has this tick."""
        classes = [part for lane_class, lanes in OWN_LANES.items() for part in (lane_class, ",".join(lanes))]
        return int(self._run(SWEEP, tick_ms, *classes))

    def note_details(self, details: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what fits into no slot, as long as the outcomes."""
        for push_id, detail in details.items():
            # A Redis without free memory goes without these words.
            with suppress(Refused):
                self._redis.call("SET", keys.detail(self.app, push_id), json.dumps(detail), "EX", self._life_seconds)

    def note_messages(self, messages: dict[int, str]) -> None:
        """Keep the last message of vendor codes, for `status`. At most 256 codes are kept."""
        name = self._prefix + "codes"
        if messages and self._redis.call("HLEN", name) < 256:  # noqa: PLR2004 - the bound in the key registry
            # A Redis without free memory goes without these words.
            with suppress(Refused):
                self._redis.call("HSET", name, *[part for code, text in messages.items() for part in (code, text)])

    def _run(self, script: Script, *args: bytes | str | int) -> Any:
        return self._redis.run(script, self._prefix, args)

    def _settle_arguments(self, settlement: Settlement) -> list[bytes | str | int]:
        counters = settlement.counts
        runs = settlement.slot_runs()
        arguments: list[bytes | str | int] = [
            settlement.lease.token,
            self._life_seconds,
            *self._quota,
            settlement.unused_units,
            settlement.throttle_level,
            GATE_THROTTLED_MS,
            self._fingerprint if settlement.closes_gate else "",
            DEAD_LETTERS_KEPT,
            settlement.counted_at_ms,
            len(counters),
            len(runs),
            len(settlement.retries),
            len(settlement.dead) + len(settlement.asked),
        ]
        for name, amount in counters.items():
            arguments += (name, amount)
        for run in runs:
            arguments += run
        for again in settlement.retries:
            entry = again.entry
            arguments += (again.delay_ms, entry.push_id, entry.header(), entry.body, entry.trail())
        for stream, letters in (("dead", settlement.dead), ("asked", settlement.asked)):
            for letter in letters:
                raw = letter.entry
                arguments += (stream, letter.push_id, raw.header, raw.body, raw.trail, letter.reason, letter.code)
        return arguments


def _read_answer(token: str, reply: Sequence[Any]) -> Answer:
    match reply[0]:
        case b"lease":
            stream, first_at, take_overs, units, granted_at = reply[1:6]
            parts = reply[6:]
            entries = tuple(map(RawEntry, parts[0::3], parts[1::3], parts[2::3]))
            return Lease(
                token, stream.decode(), int(first_at), float(take_overs), int(units), granted_at.decode(), entries
            )
        case b"wait":
            return Wait(int(reply[1]))
        case b"again":
            return AskAgain()
        case why:
            return Leave(why.decode(), reply[1].decode() if len(reply) > 1 else "")
