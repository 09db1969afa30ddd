"""Celery's options as a pure function of the settings: no environment, no file, no connection."""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from producers.contract import QUEUE_PUSH

from .delivery import DeliverySettings
from .queues import EXCHANGE, ROUTES, task_queues
from .settings import Settings

LEAST_VISIBILITY_SECONDS = 60
SOCKET_TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 3.0


def celery_options(settings: Settings, beat_schedule: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What `app.conf.update` takes, for worker, beat and senders alike.

    `beat_schedule` maps entry names to Celery's schedule entries; nothing is scheduled without it.
    """
    return {
        **_messages(),
        **_routing(settings),
        **_broker(settings),
        **_worker(settings.delivery),
        "beat_schedule": dict(beat_schedule or {}),
        "beat_schedule_filename": str(settings.state_dir / "beat-schedule"),
        "timezone": "UTC",
        "enable_utc": True,
    }


def _messages() -> dict[str, Any]:
    return {
        "task_serializer": "json",
        "result_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        # Outcomes are kept by our own scripts; a result backend would cost a write per task and tell less.
        "result_backend": None,
        "task_ignore_result": True,
        # Events show arguments one level deep: names and ids of a task, not the bodies inside.
        "task_repr_maxlevels": 1,
        "task_send_sent_event": True,
        "worker_send_task_events": True,
    }


def _routing(settings: Settings) -> dict[str, Any]:
    return {
        "task_queues": task_queues(quorum=settings.broker_is_amqp),
        "task_routes": ROUTES,
        "task_default_queue": QUEUE_PUSH,
        "task_default_exchange": EXCHANGE,
        "task_default_exchange_type": "topic",
        "task_default_routing_key": QUEUE_PUSH,
        # A misspelt queue is an error at the sender, not a new queue that nobody reads.
        "task_create_missing_queues": False,
    }


def _broker(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": _kombu_url(settings.broker_url.get_secret_value()),
        "broker_transport_options": _amqp_options() if settings.broker_is_amqp else _redis_options(settings.delivery),
        "broker_connection_timeout": CONNECT_TIMEOUT_SECONDS,
        "broker_connection_retry_on_startup": True,
        # For ever: a worker outlives its broker's restart, and a supervisor could do no better.
        "broker_connection_max_retries": None,
        "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0.1, "interval_step": 0.3, "interval_max": 1},
    }


def _worker(delivery: DeliverySettings) -> dict[str, Any]:
    return {
        "worker_concurrency": delivery.worker_threads,
        "worker_prefetch_multiplier": 1,
        # `push.deliver` alone acknowledges early: its lease is the durability.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # A cold stop still lets the calls in flight end within their deadline.
        "worker_soft_shutdown_timeout": delivery.call_deadline_ms / 1000 + 2,
        # Logging is ours (config.logs), and prints are nobody's events.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _redis_options(delivery: DeliverySettings) -> dict[str, Any]:
    # No global_keyprefix: another application's plain `send_task` would miss our queues without an error.
    return {
        "visibility_timeout": visibility_seconds(delivery),
        # Without these two, messages of a killed worker come back only every 100 seconds.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # The default of 300 s outlives a crash of Redis, and nobody restores anything until then.
        "unacked_mutex_expire": 10,
        # Without a time-out a publish on a half-open connection hangs for ever.
        "socket_timeout": SOCKET_TIMEOUT_SECONDS,
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 10,
        # A publish repeated after a time-out is a second message.
        "retry_on_timeout": False,
    }


def _amqp_options() -> dict[str, Any]:
    # Without confirms a publish to a dying broker is lost in silence.
    return {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}


def visibility_seconds(delivery: DeliverySettings) -> int:
    """When an unacknowledged message is given to another worker: short, yet longer than the longest task."""
    longest_ms = delivery.slice_ms + delivery.lease_ms
    return max(LEAST_VISIBILITY_SECONDS, 2 * math.ceil(longest_ms / 1000))


def _kombu_url(url: str) -> str:
    """kombu spells Redis over a socket differently from redis-py (unix://path?db=1)."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = next((pair[3:] for pair in parts.query.split("&") if pair.startswith("db=")), "0")
    return f"redis+socket://{quote(parts.path)}?virtual_host={database}"
