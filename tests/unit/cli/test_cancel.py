"""`pushctl cancel` says what a cancellation achieved, and fails where that is nothing."""

import pytest

from config.delivery import DeliverySettings
from producers import cancelling
from tests.lanes_fixture import batch_answer, dice, fault
from worker.api import ErrorClass
from worker.settlement import Judge

NOBODY = "0" * 24


def test_a_retry_that_was_never_sent_is_cancelled(pushctl, shop):
    (receipt,) = shop.send(1)
    shop.judge = Judge(DeliverySettings(retry_attempts=8), dice(7))
    assert shop.settle(shop.leased(), lambda _: batch_answer(whole=fault(ErrorClass.UNSENT)))
    code, answer = pushctl.json("cancel", receipt.push_id, "--app", "shop")
    assert code == 0
    assert answer == {
        "ok": True,
        "push_id": receipt.push_id,
        "app": "shop",
        "result": "cancelled",
        "state": "cancelled",
        "means": "it never left, and will not",
    }


def test_a_queued_push_is_marked_and_people_read_what_that_means(pushctl, shop):
    (receipt,) = shop.send(1)
    assert pushctl("cancel", receipt.push_id, "--app", "shop") == 0
    assert pushctl.out.splitlines() == [
        f"push_id  {receipt.push_id}",
        "app      shop",
        "result   marked",
        "state    pending",
        "means    it will not be sent when its turn comes; if it is in flight just now, it may still be",
    ]


def test_too_late_and_unknown_ids_are_failures(pushctl, shop):
    (receipt,) = shop.send(1)
    assert shop.settle(shop.leased())
    code, answer = pushctl.json("cancel", receipt.push_id, "--app", "shop")
    assert (code, answer["ok"], answer["result"], answer["state"]) == (1, False, "too_late", "accepted")
    code, answer = pushctl.json("cancel", NOBODY, "--app", "shop")
    assert (code, answer["result"], answer["state"]) == (1, "unknown_id", "absent")


def test_no_more_marks_and_no_such_app_are_errors(pushctl, shop, monkeypatch):
    code, answer = pushctl.json("cancel", NOBODY, "--app", "shpo")
    assert (code, answer["error"]) == (1, "UnknownApp")
    (receipt,) = shop.send(1)
    cancel_push = cancelling.cancel_push
    monkeypatch.setattr("producers.producer.cancel_push", lambda *given: cancel_push(*given, marks_kept=0))
    code, answer = pushctl.json("cancel", receipt.push_id, "--app", "shop")
    assert (code, answer["error"]) == (1, "TooManyCancellations")


@pytest.mark.parametrize("words", [("cancel",), ("cancel", NOBODY), ("cancel", "short", "--app", "shop")])
def test_wrong_usage(pushctl, words):
    code, answer = pushctl.json(*words)
    assert (code, answer["error"]) == (2, "Usage")
