"""Errors say what to do next, keep secrets, and travel between processes."""

import pickle

import pytest

from producers.encoding import encode_content
from producers.errors import (
    BrokerUnavailable,
    IdempotencyConflict,
    InvalidPush,
    PushError,
    QueueFull,
    UnknownApp,
    shortened,
)

ERRORS = [
    InvalidPush("options.cid", "is set by the queue"),
    UnknownApp("shpo", ["shop", "bank"]),
    IdempotencyConflict("p1", "order-4711-of-customer-0815"),
    QueueFull("shop", 1_000_001, 1_000_000),
    BrokerUnavailable(["p1"], maybe_stored=True),
    BrokerUnavailable(["p1", "p2"], maybe_stored=False),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_errors_share_a_base_and_survive_pickling(error):
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes; celery carries exceptions so)
    assert isinstance(copy, PushError)
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ERRORS[0], "options.cid: is set by the queue"),
        (ERRORS[1], "known: bank, shop"),
        (ERRORS[2], "choose another key"),
        (ERRORS[3], "1000001 pending"),
        (ERRORS[4], "push p1 may have been stored: sending again with the same push_id is safe"),
        (ERRORS[5], "2 pushes not stored"),
        (UnknownApp("shop"), "known: none"),
    ],
)
def test_messages_say_what_happened_and_what_to_do(error, says):
    assert says in str(error)


def test_an_idempotency_key_is_kept_in_its_shortened_form_only():
    error = IdempotencyConflict("p1", "order-4711-of-customer-0815")
    assert error.key == "order-…"
    assert "4711" not in f"{error} {error!r} {vars(error)}"


def test_an_unavailable_broker_names_the_push():
    assert BrokerUnavailable(["p1"], maybe_stored=True).push_id == "p1"
    assert BrokerUnavailable(["p1", "p2"], maybe_stored=True).push_ids == ("p1", "p2")
    assert BrokerUnavailable([], maybe_stored=False).push_id is None


@pytest.mark.parametrize(("value", "shown"), [("", "…"), ("bob", "b…"), ("abcdef", "abc…"), ("abcdefg", "abcdef…")])
def test_short_values_are_not_shown_whole_and_shortening_is_stable(value, shown):
    assert shortened(value) == shown
    assert shortened(shown) == shown


def test_an_error_never_repeats_what_it_was_given():
    secret = "the-body-of-this-push"
    with pytest.raises(InvalidPush) as caught:
        encode_content(notification={"alert": secret, "android": {"title": {"x": secret}, "style": secret}})
    assert secret not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"
