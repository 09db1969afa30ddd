"""How answers and faults look on the wire, in plain ASGI.

Closing a connection in mid-answer is not part of ASGI. The server's protocol (`server.py`) leaves its transport in
the connection's state, and closing that transport is exactly what a dying server does.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.calls import Answer, answer_json
from sandbox.errors import ApiError
from sandbox.faults import Rule

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1><hr>nginx</body></html>"


class Wire:
    """One request's connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def read_body(self) -> bytes | None:
        """The complete body, or None when the client left before it was complete."""
        message = await self._receive()
        if not message.get("more_body"):
            return message.get("body", b"") if message["type"] == "http.request" else None
        parts = [message["body"]]
        while message.get("more_body"):
            message = await self._receive()
            if message["type"] != "http.request":
                return None
            parts.append(message.get("body", b""))
        return b"".join(parts)

    async def answer(self, answer: Answer) -> None:
        """The ordinary response."""
        await self._start(answer.status, answer.content_type, len(answer.body))
        await self._send({"type": "http.response.body", "body": answer.body})

    async def _start(self, status: int, content_type: bytes, length: int) -> None:
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % length)]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def slow(self, answer: Answer, seconds: float) -> None:
        """Headers now, body later."""
        await self._start(answer.status, answer.content_type, len(answer.body))
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})
        await asyncio.sleep(seconds)
        await self._send({"type": "http.response.body", "body": answer.body})

    async def trickle(self, answer: Answer, seconds: float) -> None:
        """One byte at a time, until the client has enough of it."""
        await self._start(answer.status, answer.content_type, len(answer.body))
        for index in range(len(answer.body)):
            await self._send({"type": "http.response.body", "body": answer.body[index : index + 1], "more_body": True})
            if await self._gone_within(seconds):
                return
        await self._send({"type": "http.response.body", "body": b""})

    async def truncate(self, answer: Answer, reset: bool) -> None:
        """The headers promise the whole body, half of it comes, the connection ends."""
        await self._start(answer.status, answer.content_type, len(answer.body))
        half = answer.body[: len(answer.body) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        await self.drop(reset)

    async def hang(self, seconds: float) -> None:
        """No answer at all; the connection is dropped after so many seconds."""
        if not await self._gone_within(seconds):
            await self.drop(reset=False)

    async def drop(self, reset: bool) -> None:
        """End the connection from our side: orderly (FIN), or with a TCP reset."""
        transport = self._scope["state"]["transport"]
        if reset:
            linger_zero = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
            transport.abort()
        else:
            transport.close()
        # Returning earlier would count as an answer that the application forgot.
        await self._wait_until_gone()

    async def _wait_until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _gone_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._wait_until_gone(), seconds)
        except TimeoutError:
            return False
        return True


async def play(rule: Rule, answer: Answer, wire: Wire) -> None:
    """End a call the way its fault rule says. `answer` is what would have been sent."""
    match rule.kind:
        case "close_before" | "close_after":
            await wire.drop(rule.reset)
        case "hang":
            await wire.hang(rule.pause)
        case "slow":
            await wire.slow(answer, rule.pause)
        case "trickle":
            await wire.trickle(answer, rule.pause)
        case "truncate":
            await wire.truncate(answer, rule.reset)
        case _:
            await wire.answer(_replaced(rule, answer))


def _replaced(rule: Rule, answer: Answer) -> Answer:
    match rule.kind:
        case "html":
            return Answer(rule.http_status, _HTML, b"text/html")
        case "empty":
            return Answer(rule.http_status, b"")
        case "half_results":
            return _half_results(answer)
    if rule.code is None:
        return Answer(rule.http_status, b"")
    error = ApiError(rule.code)
    flat = {"code": error.code, "message": error.message}
    return answer_json(flat if rule.flat else {"error": flat}, rule.http_status)


def _half_results(answer: Answer) -> Answer:
    """Every second target is missing from the results of a batch; other answers stay whole."""
    document = json.loads(answer.body)
    results = document.get("results")
    if not isinstance(results, dict):
        return answer
    document["results"] = dict(list(results.items())[::2])
    return answer_json(document, answer.status)
