"""`python -m config.embedded`: the `redis:` line of the Procfile. Runs in the foreground until it is told to stop."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from .choice import NoRedisServer
from .server import HOST, EmbeddedRedis, EmbeddedRedisError

DEFAULT_PORT = 6379
LOOPBACK = (HOST, "localhost", "::1")


class NotOurs(ValueError):
    """PUSH_REDIS_URL names a server that is not ours to start."""


def port_from(url: str | None) -> int:
    """The port to serve: that of PUSH_REDIS_URL if it names this machine, else 6379.

    Raises:
        NotOurs: the address is another machine's, or not a plain TCP one.
    """
    if not url:
        return DEFAULT_PORT
    parts = urlsplit(url)
    if parts.scheme != "redis" or parts.hostname not in LOOPBACK:
        raise NotOurs("PUSH_REDIS_URL names a Redis that runs elsewhere: leave the `redis` process out.")
    return parts.port or DEFAULT_PORT


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C: 0; 1 if it could not start or the server ended by itself."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description="A Redis on this machine only.")
    parser.add_argument("--port", type=int, help="default: that of PUSH_REDIS_URL, else 6379")
    parser.add_argument("--dir", type=Path, default=Path(".state/redis"), help="data folder (default: %(default)s)")
    parser.add_argument("--appendfsync", choices=("everysec", "always"), default="everysec")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    try:
        port = port_from(os.environ.get("PUSH_REDIS_URL")) if options.port is None else options.port
        with EmbeddedRedis(options.dir, port=port, appendfsync=options.appendfsync) as server:
            sys.stdout.write(f"{server.url}\n")
            sys.stdout.flush()
            return _serve(server)
    except (EmbeddedRedisError, NoRedisServer, NotOurs) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _serve(server: EmbeddedRedis) -> int:
    while server.is_running:
        time.sleep(0.2)
    sys.stderr.write("The Redis server ended by itself; see redis.log in its folder.\n")
    return 1


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
