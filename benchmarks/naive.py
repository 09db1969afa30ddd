"""The other way: one Celery task and one pooled httpx call per send. An app of its own, tuned as well as it goes.

It validates, retries and records nothing, and acknowledges early: all that would make it slower is left out.
"""

import os
import threading

import httpx
from celery import Celery

QUEUE = "naive"
MOST_CONNECTIONS = 64


def build_app(broker_url: str) -> Celery:
    """The app for its worker and for whoever sends to it."""
    celery = Celery("naive", broker=broker_url, set_as_current=False)
    celery.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=16,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        worker_hijack_root_logger=False,
    )
    celery.task(send, name="naive.send", ignore_result=True)
    celery.task(nothing, name="naive.nothing", ignore_result=True)
    return celery


def send(body: str) -> None:
    """Send one push."""
    _calls.client().post("/v4/push", content=body.encode()).raise_for_status()


def nothing() -> None:
    """Do nothing: what a bare message costs its sender."""


class _Calls:
    """One client per process, made on first use: after a fork, and in whichever thread comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def client(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = _new_client()
            return self._client


def _new_client() -> httpx.Client:
    named = {name: os.environ[f"PUSH_APPS__shop__{name}"] for name in ("BASE_URL", "APP_KEY", "MASTER_SECRET")}
    return httpx.Client(
        base_url=named["BASE_URL"],
        auth=(named["APP_KEY"], named["MASTER_SECRET"]),
        headers={"Content-Type": "application/json"},
        timeout=8.0,
        trust_env=False,
        limits=httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
    )


_calls = _Calls()
app = build_app(os.environ.get("PUSH_REDIS_URL", "redis://127.0.0.1:6379/0"))
