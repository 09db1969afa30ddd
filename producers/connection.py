"""One round trip to Redis under one deadline, and what is known when it fails.

redis-py's own retries are off: it repeats after a time-out, and a repeat must be the caller's decision.
"""

import time
from collections.abc import Sequence
from importlib import resources
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError, ResponseError
from redis.retry import Retry

_RETRY_PAUSE_SECONDS = 0.03
_CONNECT_SHARE = 0.4
"""Share of the deadline that connecting may take; reading the answer gets the rest."""


class Unanswered(Exception):
    """Redis gave no answer in time. `maybe_done` is false only if the command cannot have reached it."""

    def __init__(self, reason: str, *, maybe_done: bool) -> None:
        super().__init__(reason)
        self.maybe_done = maybe_done


class Refused(Exception):
    """Redis answered with an error, and the script had written nothing: it checks before its first write."""


class MemoryFull(Refused):
    """Redis is at `maxmemory`."""


class Script:
    """A Lua script of this package, sent by its hash and, after a restart of Redis, by its text."""

    def __init__(self, text: str) -> None:
        from hashlib import sha1

        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def load(cls, name: str) -> "Script":
        """The script `lua/<name>.lua` of this package."""
        return cls(resources.files(__package__).joinpath("lua", f"{name}.lua").read_text())


class DeadlineRedis:
    """A connection pool whose every call ends within `deadline_seconds`. Safe for threads and for forks.

    `connection` goes to redis-py's pool as it is, such as another `connection_class`.
    """

    def __init__(self, url: str, *, deadline_seconds: float, **connection: Any) -> None:
        self._deadline_seconds = deadline_seconds
        self._pool = redis.ConnectionPool.from_url(
            url,
            socket_connect_timeout=deadline_seconds * _CONNECT_SHARE,
            socket_timeout=deadline_seconds * (1 - _CONNECT_SHARE),
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
            **connection,
        )

    def run(self, script: Script, key: str, args: Sequence[bytes | str | int]) -> Any:
        """Run a script that may safely run twice. Raises `Unanswered` or `Refused`."""
        try:
            return self.call("EVALSHA", script.sha, 1, key, *args)
        except NoScriptError:
            return self.call("EVAL", script.text, 1, key, *args)

    def call(self, *command: bytes | str | int) -> Any:
        """Send one command. What never left this machine is tried again until the deadline."""
        until = time.monotonic() + self._deadline_seconds
        while True:
            try:
                return self._once(command)
            except Unanswered as failure:
                is_over = time.monotonic() + _RETRY_PAUSE_SECONDS + self._deadline_seconds * _CONNECT_SHARE > until
                if failure.maybe_done or is_over:
                    raise
                time.sleep(_RETRY_PAUSE_SECONDS)

    def _once(self, command: Sequence[bytes | str | int]) -> Any:
        try:
            connection = self._pool.get_connection()
        except (RedisError, OSError) as error:
            raise Unanswered(f"cannot connect to Redis ({type(error).__name__})", maybe_done=False) from error
        try:
            connection.send_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it bare
            return connection.read_response()
        except NoScriptError:
            raise
        except ResponseError as error:
            raise _refusal(error) from error
        except (RedisError, OSError) as error:
            connection.disconnect()  # type: ignore[no-untyped-call]  # redis-py leaves it bare
            raise Unanswered(f"no answer from Redis ({type(error).__name__})", maybe_done=True) from error
        finally:
            self._pool.release(connection)

    def close(self) -> None:
        """Close every connection of this process."""
        self._pool.disconnect()


def _refusal(error: ResponseError) -> Refused:
    # Inside a script READONLY, NOREPLICAS and MISCONF arrive as plain errors; only the text tells.
    # Outside of one redis-py takes the word OOM away and gives a class instead.
    text = str(error)
    if isinstance(error, OutOfMemoryError) or "OOM" in text:
        return MemoryFull(text[:200])
    return Refused(text[:200])
