"""The one place that decides which Redis is used, and the server that is started when there is none.

Never falls back to fakeredis: what it promises is not what a server keeps.
"""

from .choice import NoRedisServer, RedisChoice, resolve_redis
from .server import EmbeddedRedis, EmbeddedRedisError, RedisAlreadyRunning, RedisDidNotStart

__all__ = [
    "EmbeddedRedis",
    "EmbeddedRedisError",
    "NoRedisServer",
    "RedisAlreadyRunning",
    "RedisChoice",
    "RedisDidNotStart",
    "resolve_redis",
]
