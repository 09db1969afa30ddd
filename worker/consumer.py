"""Celery's consumer, made to outlive what it cannot read.

Celery itself ends the whole worker on a message whose body is no task, and gives the message back to the broker, where
it ends the next worker. It also writes the body of what it cannot use into the log; here it is kept instead.
"""

from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer
from redis.exceptions import ResponseError

from config.logs import event

Keep = Callable[[str, str, object, str], None]
"""Stores (task, task id, message, reason) for a person to look at."""


class TolerantConsumer(Consumer):
    """Gets rid of unreadable messages: `keep`, which the composition root provides, stores them first."""

    keep: Keep

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # A Redis that is read-only, without its replicas or unable to save refuses the consumer too. Celery would end
        # the worker for good; it is to come back like a lost connection.
        self.connection_errors: tuple[type[Exception], ...] = (*self.connection_errors, ResponseError)
        self.loop: Callable[..., Any] = self._outliving(self.loop)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """Celery's handler of one message, whose own errors end the message and not the worker."""
        handle = super().create_task_handler(*args, **options)

        def handle_or_keep(message: Any) -> None:
            try:
                handle(message)
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:
                self._stray(message, type(error).__name__)

        return handle_or_keep

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Celery closes what is left of a lost connection. kombu trips over its own remains there if a message was not
        acknowledged yet, which would end a worker at every other crash of Redis; the connection is gone either way.
        """
        try:
            super().on_connection_error_after_connected(exc)
        except Exception as error:
            event("push.broker.lost", error=type(error).__name__)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """The body is not what its content type says."""
        self._stray(message, type(exc).__name__)

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002 - Celery's signature
        """The message names no task."""
        self._stray(message, "no task")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """No task has the name."""
        self._stray(message, "no such task")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """The task's message is wrong, or its content type is not allowed."""
        self._stray(message, type(exc).__name__)

    def _stray(self, message: Any, reason: str) -> None:
        headers = message.headers if isinstance(message.headers, dict) else {}
        kept = {"headers": headers, "content_type": message.content_type, "body": message.body}
        type(self).keep(str(headers.get("task")), str(headers.get("id")), kept, reason)
        message.ack()

    def _outliving(self, loop: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            try:
                return loop(*args)
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                # The transport took something from a queue that is no message at all; it is gone. Celery connects anew.
                event("push.message.unreadable", error=type(error).__name__)
                raise ConnectionError("a queue held something that is no message") from error

        return run
