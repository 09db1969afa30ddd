"""What an operation gets and gives: the call, the answer, and the description that the routing table holds."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.cids import CidsOfCall, HeldCid
from sandbox.clock import Moment
from sandbox.errors import ApiError
from sandbox.settings import Settings
from sandbox.world import App, World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of a response."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"


@dataclass(slots=True)
class Call:
    """One authenticated request with its complete body."""

    world: World
    operation: str
    moment: Moment
    body: bytes
    path: dict[str, str]
    held: list[HeldCid] | None = None
    """With the fault `inflight_twice`: cids that are remembered only after the answer."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.world.settings

    def meter_whole(self, app: App, units: int) -> None:
        """Charge a call that passes whole or is refused with 23008."""
        if not app.admit_whole(self.moment, units):
            raise ApiError(23008, status=self.settings.throttle_status)

    def cids(self, app: App) -> CidsOfCall:
        """The cid memory of an app as this call sees it."""
        if self.settings.cid_memory == "off":
            return CidsOfCall(None, self.moment.now, None)
        scope = self.operation if self.settings.cid_scope == "endpoint" else ""
        return CidsOfCall(app.memory(scope), self.moment.now, self.held)


@dataclass(frozen=True, slots=True)
class AppOperation:
    """An operation of one app: name in the counts, route, and what it does."""

    name: str
    method: str
    path: str
    run: Callable[[Call, App], Answer]


@dataclass(frozen=True, slots=True)
class GroupOperation:
    """An operation with group credentials: it works on every app of the group."""

    name: str
    method: str
    path: str
    run: Callable[[Call], Answer]


Operation = AppOperation | GroupOperation


def answer_json(document: Any, status: int = 200) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(document, separators=(",", ":")).encode())


def answer_error(error: ApiError) -> Answer:
    """A refusal in the documented nested form."""
    return answer_json(error_entry(error), error.status)


def error_entry(error: ApiError) -> Json:
    """The nested error object, as it also stands inside group results."""
    return {"error": {"code": error.code, "message": error.message}}


def read_object(body: bytes) -> Json:
    """The JSON object of a request body. The code for anything else is unknown; 21003 is our choice."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(21003, "the body is not JSON") from None
    if not isinstance(document, dict):
        raise ApiError(21016, "the body must be an object")
    return document
