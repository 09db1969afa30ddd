"""The Celery tasks: names, options and one call each. What they do lives elsewhere."""

from typing import Any

from celery import Celery, Task

from producers import contract
from producers.contract import LaneClass

from .books import reconcile_app
from .retention import trim_dead_letters
from .runtime import Runtime


def register_tasks(app: Celery, runtime: Runtime) -> None:
    """Bind every task of the contract to `app`."""
    _register_delivery(app, runtime)
    _register_intake(app, runtime)
    _register_upkeep(app, runtime)


def _register_delivery(app: Celery, runtime: Runtime) -> None:
    # Early acknowledgement for this task alone: its lease is the durability, and a redelivered slice would be surplus.
    @app.task(name=contract.TASK_DELIVER, acks_late=False)
    def deliver(app: str, lane_class: str, slot: str) -> dict[str, str | int]:
        process = runtime.process()
        wanted = LaneClass(lane_class)
        if app not in process.deliveries:
            # Another worker serves it; its sweep rings again.
            return {"app": app, "class": lane_class, "ended": "not served here"}
        with process.admission.admit(app, wanted) as is_admitted:
            if is_admitted:
                return process.deliveries[app].run_slice(wanted, slot).as_result()
        process.lanes[app].close_slot(wanted, slot)
        return {"app": app, "class": lane_class, "ended": "share used up"}


def _register_intake(app: Celery, runtime: Runtime) -> None:
    @app.task(name=contract.TASK_SEND, bind=True)
    def send(self: Task, **push: Any) -> dict[str, Any]:
        return runtime.process().intake.send(str(self.request.id), push)

    @app.task(name=contract.TASK_BATCH, bind=True)
    def batch(self: Task, **pushes: Any) -> dict[str, Any]:
        return runtime.process().intake.batch(str(self.request.id), pushes)

    @app.task(name=contract.TASK_REQUEST, bind=True)
    def request(self: Task, **push: Any) -> dict[str, Any]:
        return runtime.process().intake.request(str(self.request.id), push)


def _register_upkeep(app: Celery, runtime: Runtime) -> None:
    @app.task(name=contract.TASK_PROBE)
    def probe(app: str) -> None:
        runtime.process().probe(app)

    @app.task(name=contract.TASK_RECONCILE)
    def reconcile() -> dict[str, Any]:
        process = runtime.process()
        return {name: reconcile_app(process.redis, name) for name in process.lanes}

    @app.task(name=contract.TASK_RETENTION)
    def retention() -> dict[str, int]:
        process = runtime.process()
        days = process.settings.delivery.dead_letter_days
        return {name: trim_dead_letters(process.redis, name, days) for name in process.lanes}
