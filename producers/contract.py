"""The wire contract: names that applications, workers and other languages agree on.

Nothing here may change without raising `VERSION`; the worker accepts the current and the previous one.
"""

from enum import StrEnum

VERSION = 1

TASK_SEND = "push.send"
TASK_BATCH = "push.batch"
TASK_REQUEST = "push.request"
TASK_DELIVER = "push.deliver"
TASK_PROBE = "push.probe"
TASK_RECONCILE = "push.reconcile"
TASK_RETENTION = "push.retention"

QUEUE_URGENT = "urgent"
QUEUE_PUSH = "push"
QUEUE_BULK = "bulk"
QUEUE_RECALL = "recall"
QUEUE_MANAGE = "manage"
QUEUE_POLL = "poll"
QUEUES = (QUEUE_URGENT, QUEUE_PUSH, QUEUE_BULK, QUEUE_RECALL, QUEUE_MANAGE, QUEUE_POLL)


class Lane(StrEnum):
    """The fixed lanes of every app, most urgent first; each campaign adds a lane of its own."""

    URGENT = "urgent"
    TRANSACTIONAL = "transactional"


class LaneClass(StrEnum):
    """Lanes that are delivered alike. The value is also the Celery queue of their `push.deliver` slices."""

    URGENT = QUEUE_URGENT
    PUSH = QUEUE_PUSH
    BULK = QUEUE_BULK


class Kind(StrEnum):
    """What one stream of a lane holds: everything in it can share one call."""

    REGID = "regid"
    ALIAS = "alias"
    SINGLE = "single"
    GROUP = "group"
    VALIDATE = "validate"

    @property
    def is_batch(self) -> bool:
        """Whether one call carries many pushes of this kind."""
        return self in (Kind.REGID, Kind.ALIAS)


LANE_CLASSES = {Lane.URGENT: LaneClass.URGENT, Lane.TRANSACTIONAL: LaneClass.PUSH}
"""Which class of slices serves a lane."""
