"""The Celery application of workers and beat: `celery -A worker.app worker`. The composition root of both."""

from datetime import timedelta
from typing import Any

from celery import Celery, signals

from config.celeryconfig import celery_options
from config.logs import configure_logging, event
from config.settings import load_settings, prepare_state_dir
from producers import contract
from producers.contract import LaneClass

from .bell import BellListener, BellStep
from .intake import keep_stray
from .runtime import Runtime
from .tasks import register_tasks

BEAT_SCHEDULE = {
    "reconcile": {"task": contract.TASK_RECONCILE, "schedule": timedelta(minutes=1)},
    "retention": {"task": contract.TASK_RETENTION, "schedule": timedelta(hours=1)},
}

settings = load_settings()
prepare_state_dir(settings)
runtime = Runtime(lambda: settings)
app = Celery("engagelab-push-worker", set_as_current=False)
app.conf.update(celery_options(settings, BEAT_SCHEDULE))
register_tasks(app, runtime)


def _publish(name: str, lane_class: LaneClass, slot: str) -> None:
    app.send_task(
        contract.TASK_DELIVER, kwargs={"app": name, "lane_class": lane_class, "slot": slot}, queue=lane_class.value
    )


class _Bell(BellStep):
    @staticmethod
    def listener() -> BellListener:
        """The bell of this process."""
        process = runtime.process()
        return BellListener(process.redis, process.lanes, _publish, process.register)


app.steps["worker"].add(_Bell)


@signals.setup_logging.connect
def _log(**_: Any) -> None:
    configure_logging(settings)


@signals.worker_shutting_down.connect
def _stop_leasing(**_: Any) -> None:
    runtime.stopping.set()
    event("push.worker.stopping")


@signals.task_unknown.connect
def _keep_unknown(name: str = "", id: str = "", message: Any = None, **_: Any) -> None:
    keep_stray(runtime.process().redis, str(name), str(id), getattr(message, "headers", None), "no such task")
