"""Running the application: uvicorn, its ready line, its clean end."""

import asyncio
import gc
import signal
import socket

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEEP_ALIVE_SECONDS = 300
_SHUTDOWN_SECONDS = 1
_BACKLOG = 2048


class ClosableProtocol(H11Protocol):
    """HTTP/1.1 whose requests can reach their own transport, so that faults can close it (see `wire.py`)."""

    # uvicorn narrows the transport of asyncio's protocol in the same way.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the transport in the state that each request of the connection sees."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then print the one line that callers wait for."""
        await super().startup(sockets)
        for entry in sockets or []:
            host, port = entry.getsockname()
            print(f"sandbox listening on http://{host}:{port}", flush=True)  # noqa: T201 - CLI


def run(app: Starlette, host: str, port: int) -> None:
    """Serve on `host` until SIGTERM or SIGINT; port 0 takes a free one."""
    config = uvicorn.Config(
        app,
        http=ClosableProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    # uvicorn repeats the signal after its shutdown; ours is over then, and the exit status should be 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with _listen(host, port) as listener:
        _relax_collector()
        _Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle off on accepted connections; without, answers wait 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(_BACKLOG)
    return listener


def _relax_collector() -> None:
    """A batch makes thousands of short-lived dicts; the default threshold would scan them several times per call."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
