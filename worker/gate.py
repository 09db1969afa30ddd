"""The gate that refused credentials close: probed open again, without burning a push.

The hash field `credentials` holds ``next probe in ms | fingerprint | interval in ms``, in the time of Redis. It
concerns only holders of the same fingerprint, so a rotated secret is not held up by its predecessor.
"""

from dataclasses import dataclass

from config.logs import event
from producers import keys
from producers.connection import DeadlineRedis

from .api import ErrorClass, Fault

PROBE_LIFE_MS = 10_000
LONGEST_INTERVAL_MS = 900_000
_UNDECIDED = (ErrorClass.UNSENT, ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS)


@dataclass(frozen=True, slots=True)
class CredentialGate:
    """The gate of one app, as the holder of these credentials sees it."""

    redis: DeadlineRedis
    app: str
    fingerprint: str

    def wants_probe(self) -> bool:
        """Whether a probe is due and nobody else runs one; claims it for ten seconds."""
        closed = self._closed()
        if closed is None or closed[0] > self._now_ms():
            return False
        return self.redis.call("SET", keys.probing(self.app), "1", "NX", "PX", PROBE_LIFE_MS) is not None

    def judge(self, fault: Fault | None) -> None:
        """Open or postpone, after a probe that ended in `fault`. Any verdict on the push itself means: let in."""
        closed = self._closed()
        if closed is None:
            return
        if fault is not None and fault.kind in (ErrorClass.CREDENTIAL, ErrorClass.BENCH, *_UNDECIDED):
            grows = 2 if fault.kind is ErrorClass.CREDENTIAL else 1
            interval = min(LONGEST_INTERVAL_MS, closed[1] * grows)
            due = self._now_ms() + interval
            self.redis.call("HSET", keys.gate(self.app), "credentials", f"{due}|{self.fingerprint}|{interval}")
            event("push.gate.kept", app=self.app, code=fault.code, next_probe_ms=interval)
        else:
            self.redis.call("HDEL", keys.gate(self.app), "credentials")
            event("push.gate.opened", app=self.app)
        self.redis.call("DEL", keys.probing(self.app))

    def _now_ms(self) -> int:
        seconds, microseconds = self.redis.call("TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    def _closed(self) -> tuple[int, int] | None:
        text = self.redis.call("HGET", keys.gate(self.app), "credentials")
        due, fingerprint, interval = (text or b"0||0").decode().split("|")
        return (int(due), int(interval)) if fingerprint == self.fingerprint else None
