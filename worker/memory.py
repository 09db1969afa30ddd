"""The memory watermark: beyond it producers get `QueueFull`, so that deliveries keep room to settle."""

from config.logs import event
from producers import keys
from producers.connection import DeadlineRedis

MARK_LIFE_MS = 3_000


def mark_if_full(redis: DeadlineRedis, app: str, watermark_percent: int) -> None:
    """Mark the app full for three seconds when Redis uses more of its `maxmemory` than allowed. No limit, no mark."""
    used, limit = read_memory(redis)
    if limit and used * 100 >= limit * watermark_percent:
        redis.call("SET", keys.full(app), "1", "PX", MARK_LIFE_MS)
        event("push.memory.full", app=app, used_bytes=used, limit_bytes=limit)


def read_memory(redis: DeadlineRedis) -> tuple[int, int]:
    """Bytes that Redis uses, and its `maxmemory` (0: none)."""
    lines = redis.call("INFO", "memory").decode().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields["used_memory"]), int(fields["maxmemory"])
