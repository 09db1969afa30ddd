"""The three ways in: the Producer, a plain Celery message, and `pushctl`."""

import json
from dataclasses import dataclass

from celery import Celery

from producers import Producer, Receipt
from producers.contract import QUEUE_PUSH, TASK_DELIVER, TASK_SEND
from sandbox.stack import ManagedProcess, Stack, StackError

from .plan import ALERT, APP, KEY, Plan

EXPIRES_IN_SECONDS = 0.1
"""Less than the backlog before it takes at the quota: it is too late for sure."""
COMMAND_SECONDS = 30.0
INSPECT_SECONDS = 1.0
INSPECT_TIMES = 5


@dataclass
class Load:
    """Enqueues the plan on a running stack."""

    stack: Stack
    plan: Plan

    def by_producer(self) -> Receipt:
        """2,503 pushes, most in two `send_many`; returns the receipt of the one with an idempotency key."""
        producer = self.stack.producer()
        report = producer.send_many(
            ({"registration_id": target, "notification": ALERT} for target in self.plan.registration_ids), app=APP
        )
        _raise_first(report.errors)
        self._singly(producer)
        report = producer.send_many(({"alias": target, "notification": ALERT} for target in self.plan.aliases), app=APP)
        _raise_first(report.errors)
        return producer.send(app=APP, registration_id=self.plan.keyed, notification=ALERT, idempotency_key=KEY)

    def _singly(self, producer: Producer) -> None:
        producer.send(app=APP, registration_id=self.plan.expired, notification=ALERT, expires_in=EXPIRES_IN_SECONDS)
        producer.send(app=APP, registration_id=self.plan.urgent, notification="Your code: 123456", lane="urgent")

    def repeat(self) -> Receipt:
        """Send the push with the idempotency key again."""
        producer = self.stack.producer()
        return producer.send(app=APP, registration_id=self.plan.keyed, notification=ALERT, idempotency_key=KEY)

    def by_message(self) -> None:
        """Celery messages by task name, from an application that imports nothing of ours."""
        with self.app() as app:
            for target in self.plan.messages:
                push = {"app": APP, "registration_id": target, "notification": ALERT}
                app.send_task(TASK_SEND, kwargs=push, queue=QUEUE_PUSH)

    def start_commands(self) -> list[ManagedProcess]:
        """Start `pushctl send` for three devices and, once more, for the push with the idempotency key."""
        commands = [["--registration-id", target] for target in self.plan.commands]
        commands.append(["--registration-id", self.plan.keyed, "--idempotency-key", KEY])
        shared = ["-m", "producers.cli", "send", "--app", APP, "--alert", ALERT, "--json"]
        return [
            self.stack.run(f"pushctl{number}", *shared, *command) for number, command in enumerate(commands, start=1)
        ]

    def await_commands(self, commands: list[ManagedProcess]) -> str:
        """Wait for them; returns the push_id that the repeat was answered with."""
        for command in commands:
            if command.wait(COMMAND_SECONDS):
                raise StackError(f"{command.name} failed. {command.last_words()}")
        answer = json.loads(commands[-1].log())
        if not answer["duplicate"]:
            raise StackError(f"the repeat was not recognised. {commands[-1].last_words()}")
        return str(answer["push_id"])

    def await_slices(self) -> list[str]:
        """What `celery inspect active` shows, once it shows a slice of delivery; there is a short gap between two."""
        for _ in range(INSPECT_TIMES):
            lines = self.active_tasks()
            if any(TASK_DELIVER in line for line in lines):
                break
        return lines

    def active_tasks(self) -> list[str]:
        """What `celery inspect active` shows now: `worker: task` lines."""
        with self.app() as app:
            inspect = app.control.inspect(timeout=INSPECT_SECONDS, limit=len(self.stack.workers))
            seen = inspect.active() or {}
        return sorted({f"{node.partition('@')[0]}: {task['name']}" for node, tasks in seen.items() for task in tasks})

    def app(self) -> Celery:
        """A Celery application as somebody else would have it."""
        return Celery("some-shop", broker=self.stack.redis_url, set_as_current=False)


def _raise_first(errors: dict[int, Exception]) -> None:
    for error in errors.values():
        raise error
