"""The control paths under `/_sandbox/`: look at what happened, script faults, move the clock. No authentication.

Shapes are in README.md. A wrong control request gets 400 and `{"error": text}`, never a vendor code.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import reports
from sandbox.faults import read_rule
from sandbox.operations import NAMES
from sandbox.settings import with_changes
from sandbox.world import Credential, World

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Ask:
    """A control request: its query and its JSON body ({} when empty)."""

    query: Mapping[str, str]
    body: Any


class Control:
    """The endpoints, bound to the world they control."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """All control routes."""
        table: list[tuple[str, str, Callable[[Ask], Any]]] = [
            ("GET", "/counts", self._counts),
            ("GET", "/deliveries", self._deliveries),
            ("POST", "/deliveries/check", self._check),
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_faults),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/settings", self._show_settings),
            ("POST", "/settings", self._change_settings),
            ("POST", "/apps", self._put_app),
            ("POST", "/clock", self._move_clock),
            ("POST", "/reset", self._reset),
        ]
        return [Route(f"/_sandbox{path}", _endpoint(answer), methods=[method]) for method, path, answer in table]

    def _counts(self, ask: Ask) -> Any:
        wanted = {"series": ask.query.get("series", "0"), "duplicates": ask.query.get("duplicates", "1")}
        return reports.counts(self._world, frozenset(name for name, value in wanted.items() if value == "1"))

    def _deliveries(self, ask: Ask) -> Any:
        query = reports.Query.read(ask.query)
        if ask.query.get("summary") == "1":
            return reports.summary(self._world, query)
        return reports.deliveries(self._world, query)

    def _check(self, ask: Ask) -> Any:
        return reports.check(self._world, ask.body)

    def _list_faults(self, _ask: Ask) -> Any:
        return {"rules": self._world.faults.listing()}

    def _add_faults(self, ask: Ask) -> Any:
        documents = ask.body if isinstance(ask.body, list) else ask.body.get("rules", [])
        rules = [read_rule(document, NAMES) for document in documents]
        if isinstance(ask.body, dict) and "seed" in ask.body:
            self._world.faults.seed(int(ask.body["seed"]))
        self._world.faults.rules += rules
        return self._list_faults(ask)

    def _clear_faults(self, _ask: Ask) -> Any:
        self._world.faults.rules.clear()
        return self._list_faults(_ask)

    def _show_settings(self, _ask: Ask) -> Any:
        return asdict(self._world.settings)

    def _change_settings(self, ask: Ask) -> Any:
        self._world.change(with_changes(self._world.settings, ask.body))
        return self._show_settings(ask)

    def _put_app(self, ask: Ask) -> Any:
        quota = ask.body.get("quota")
        if quota is not None and (type(quota) is not int or quota < 0):
            raise ValueError("quota must be a whole number of at least 0")
        app = self._world.put_app(Credential(str(ask.body["app_key"]), str(ask.body["master_secret"])), quota)
        return {"app_key": app.key, "quota": app.quota}

    def _move_clock(self, ask: Ask) -> Any:
        clock = self._world.clock
        if "set" in ask.body:
            clock.advance(float(ask.body["set"]) - clock.read().now)
        clock.advance(float(ask.body.get("advance_seconds", 0)))
        return {"now": clock.read().now}

    def _reset(self, _ask: Ask) -> Any:
        self._world.reset()
        return {"reset": True}


def _endpoint(answer: Callable[[Ask], Any]) -> Endpoint:
    """Read the JSON body, answer JSON, and turn a wrong request into 400."""

    async def serve(request: Request) -> Response:
        raw = await request.body()
        try:
            return JSONResponse(answer(Ask(request.query_params, json.loads(raw) if raw else {})))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)

    return serve
