"""Celery messages are hints: work goes on when they are gone."""

import pytest
import redis

from producers import keys
from producers.contract import QUEUES
from sandbox.stack import SandboxOptions, Stack
from tests.acceptance.pushes import assert_balanced, assert_each_once, sends, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

SWEPT_SECONDS = 3.0
"""A tick of the sweep is a second; the rest is for a busy machine."""
SLOT_SECONDS = 3.0
"""A slice's second and two more: a slot whose message is lost stands open this long."""


def test_work_without_any_message_or_bell_is_found_by_the_sweep(tmp_path):
    """Bell and broker lists are deleted by hand while sends wait: the sweep finds them within a second or two."""
    with Stack(tmp_path) as stack:
        stack.workers[0].pause()
        with stack.redis.client() as client:
            # Redis would hand the ring to a worker that waits for it, asleep or not.
            until(lambda: not _waits_for_bells(client), what="the end of the last wait")
            report = stack.producer().send_many(sends("hint", 100), app="shop")
            assert client.delete(keys.bell("shop", "push"), *QUEUES)
        stack.workers[0].resume()
        took = until(lambda: not stack.books().pending, what="the recovery")

        assert took < SWEPT_SECONDS
        assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
        assert_balanced(stack)


def test_slots_whose_messages_are_lost_lapse_and_the_work_goes_on(tmp_path):
    """All slots are open, and the messages of all of them are gone: they lapse, and the sweep starts afresh."""
    with Stack(tmp_path, delivery={"slots": 2}) as stack, stack.redis.client() as client:
        stack.workers[0].pause()
        report = stack.producer().send_many(sends("slot", 100), app="shop")
        seconds, micros = client.time()
        lapse = seconds * 1000 + micros / 1000 + SLOT_SECONDS * 1000
        client.zadd(f"{keys.prefix('shop')}open:push", {"lost-1": lapse, "lost-2": lapse})
        client.delete(keys.bell("shop", "push"), *QUEUES)
        stack.workers[0].resume()
        took = until(lambda: not stack.books().pending, what="the recovery")

        assert took < SLOT_SECONDS + SWEPT_SECONDS
        assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
        assert_balanced(stack)


def test_a_broker_that_is_emptied_all_the_time_only_slows_delivery(tmp_path):
    """Whoever deletes the queues again and again loses no push and doubles none."""
    with Stack(tmp_path, workers=2, sandbox=SandboxOptions(quota=1_000)) as stack, stack.redis.client() as client:
        report = stack.producer().send_many(sends("purge", 2_000), app="shop")
        until(lambda: _empty(client) and not stack.books().pending, within=60, what="the end of delivery")

        assert_each_once(stack, [receipt.push_id for receipt in report.receipts])
        assert_balanced(stack)


def _waits_for_bells(client: redis.Redis) -> bool:
    return any(each["cmd"] == "blpop" and "b" in each["flags"] for each in client.client_list())


def _empty(client: redis.Redis) -> bool:
    client.delete(*QUEUES)
    return True
