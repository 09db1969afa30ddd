"""The Celery application of workers and beat: `celery -A worker.app worker`. The composition root of both."""

from datetime import timedelta
from typing import Any

from celery import Celery, signals
from kombu.exceptions import OperationalError

from config.celeryconfig import celery_options
from config.logs import configure_logging, event
from config.settings import load_settings, prepare_state_dir
from producers import contract
from producers.contract import LaneClass

from .bell import BellListener, BellStep, Duties
from .consumer import TolerantConsumer
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
    hint = {"app": name, "lane_class": lane_class, "slot": slot}
    try:
        app.send_task(contract.TASK_DELIVER, kwargs=hint, queue=lane_class.value)
    except OperationalError as error:
        # A Redis without free memory takes no message, and only deliveries make room: this thread begins with them.
        event("push.hint.refused", app=name, lane_class=lane_class, error=type(error).__name__)
        runtime.process().deliveries[name].run_slice(lane_class, slot)


class _Bell(BellStep):
    @staticmethod
    def listener() -> BellListener:
        """The bell of this process."""
        process = runtime.process()

        def tend(name: str) -> None:
            if process.tend(name):
                app.send_task(contract.TASK_PROBE, kwargs={"app": name})

        return BellListener(process.redis, process.lanes, _publish, Duties(process.register, tend))


app.steps["worker"].add(_Bell)


class _Consumer(TolerantConsumer):
    @staticmethod
    def keep(task: str, task_id: str, message: object, reason: str) -> None:
        """Store a message that nobody can act on."""
        keep_stray(runtime.process().redis, task, task_id, message, reason)


app.conf.worker_consumer = _Consumer


@signals.setup_logging.connect
def _log(**_: Any) -> None:
    configure_logging(settings)


@signals.worker_shutting_down.connect
def _stop_leasing(**_: Any) -> None:
    runtime.stopping.set()
    event("push.worker.stopping")


@signals.task_failure.connect
@signals.task_internal_error.connect
def _keep_failed(sender: Any = None, task_id: str = "", exception: Any = None, kwargs: Any = None, **_: Any) -> None:
    # Celery acknowledges what failed; a push must not go with it.
    if sender is not None and sender.name in (contract.TASK_SEND, contract.TASK_BATCH):
        keep_stray(runtime.process().redis, sender.name, str(task_id), kwargs, type(exception).__name__)
