"""The way of every API call: body, credentials, fault plan, effect, latency, answer."""

import asyncio

from sandbox.calls import Answer, AppOperation, Call, GroupOperation, Operation, answer_error, answer_json
from sandbox.cids import remember_held
from sandbox.credentials import app_of, group_of
from sandbox.errors import ApiError
from sandbox.faults import Plan
from sandbox.wire import Receive, Scope, Send, Wire, play
from sandbox.world import App, World

_NO_EFFECT = answer_json({})


class Gateway:
    """One operation as an ASGI application.

    Quota is metered and effects happen in one go when the body is complete, with nothing awaited between, so that
    calls are atomic against each other. The latency lies between the effect and the answer.
    """

    def __init__(self, world: World, operation: Operation) -> None:
        self._world = world
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        wire = Wire(scope, receive, send)
        try:
            await self._serve(wire, scope)
        except asyncio.CancelledError:
            # The server is going down and this call has used up its patience: end like a server that went down.
            await wire.drop(reset=False)

    async def _serve(self, wire: Wire, scope: Scope) -> None:
        body = await wire.read_body()
        if body is None:
            return
        call = Call(self._world, self._operation.name, self._world.clock.read(), body, scope["path_params"])
        try:
            plan, answer = self._perform(call, scope)
        except ApiError as refusal:
            self._world.refused[refusal.code] += 1
            await wire.answer(answer_error(refusal))
            return
        delay = self._world.settings.latency_ms / 1000 + plan.delay
        if delay:
            await asyncio.sleep(delay)
        if call.held:
            remember_held(call.held, call.moment.now)
        if plan.ending is None:
            await wire.answer(answer)
        else:
            await play(plan.ending, answer, wire)

    def _perform(self, call: Call, scope: Scope) -> tuple[Plan, Answer]:
        """Everything that happens at the arrival. Raises ApiError only for wrong credentials."""
        operation = self._operation
        if isinstance(operation, GroupOperation):
            group = group_of(self._world, scope["headers"])
            plan = self._plan(call, group.key)
            return plan, self._run_group(operation, call) if _has_effect(plan) else _NO_EFFECT
        app = app_of(self._world, scope["headers"])
        app.tally.requests[operation.name] += 1
        plan = self._plan(call, app.key)
        return plan, _run_app(operation, call, app) if _has_effect(plan) else _NO_EFFECT

    def _plan(self, call: Call, key: str) -> Plan:
        plan = self._world.faults.plan(call.operation, key)
        call.held = [] if plan.late_cids else None
        return plan

    def _run_group(self, operation: GroupOperation, call: Call) -> Answer:
        try:
            return operation.run(call)
        except ApiError as refusal:
            self._world.refused[refusal.code] += 1
            return answer_error(refusal)


def _has_effect(plan: Plan) -> bool:
    return plan.ending is None or plan.ending.takes_effect


def _run_app(operation: AppOperation, call: Call, app: App) -> Answer:
    try:
        return operation.run(call, app)
    except ApiError as refusal:
        app.tally.errors[refusal.code] += 1
        return answer_error(refusal)
