"""The queue topology: one durable topic exchange, six queues, and which task travels on which queue."""

from typing import Any

from kombu.entity import Exchange, Queue

from producers.contract import QUEUE_MANAGE, QUEUE_POLL, QUEUE_PUSH, QUEUE_RECALL, QUEUES

EXCHANGE = "push.tasks"
"""Not named like a queue: an application that sends with `queue="push"` declares a direct exchange of that name.
RabbitMQ refuses the second type, and on Redis its binding would match every routing key of a topic exchange."""
DEAD_EXCHANGE = "push.dead"
DEAD_QUEUE = "push.dead"
QUORUM_DELIVERY_LIMIT = 20
"""Deliveries before RabbitMQ moves a message to `push.dead`; RabbitMQ 4 would drop it after 20 in silence."""

ROUTES: dict[str, dict[str, str]] = {
    "push.recall*": {"queue": QUEUE_RECALL},
    "push.stats*": {"queue": QUEUE_POLL},
    "push.job*": {"queue": QUEUE_MANAGE},
    "push.campaign*": {"queue": QUEUE_MANAGE},
    "push.probe*": {"queue": QUEUE_MANAGE},
    "push.reconcile*": {"queue": QUEUE_MANAGE},
    "push.retention*": {"queue": QUEUE_MANAGE},
    "push.*": {"queue": QUEUE_PUSH},
}
"""First match wins. `push.deliver` names the queue of its class when it is sent; these are for the rest."""


def task_exchange() -> Exchange:
    """The topic exchange of all tasks; topic, because native delayed delivery cannot serve a direct one."""
    return Exchange(EXCHANGE, type="topic", durable=True)


def task_queues(*, quorum: bool) -> tuple[Queue, ...]:
    """The six queues, each bound by its own name; replicated quorum queues on RabbitMQ."""
    arguments: dict[str, Any] | None = None
    if quorum:
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": QUORUM_DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_EXCHANGE,
        }
    exchange = task_exchange()
    return tuple(
        Queue(name, exchange=exchange, routing_key=name, durable=True, queue_arguments=arguments) for name in QUEUES
    )


def dead_letter_queue() -> Queue:
    """Where RabbitMQ puts messages past their delivery limit. Not consumed: a worker declares it at start on AMQP."""
    exchange = Exchange(DEAD_EXCHANGE, type="fanout", durable=True)
    return Queue(DEAD_QUEUE, exchange=exchange, durable=True, queue_arguments={"x-queue-type": "quorum"})
