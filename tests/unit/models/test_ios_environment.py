"""A push that can reach iOS says which environment it means."""

import json

import pytest

from producers.encoding import encode_content
from producers.errors import InvalidPush

HI = {"alert": "hi"}


@pytest.mark.parametrize(
    "push",
    [
        {"notification": HI},
        {"notification": HI, "platform": "ios"},
        {"notification": HI, "platform": ["android", "ios"]},
        {"notification": {"ios": {"content-available": True}}},
        {"message": {"msg_content": "m"}},
    ],
)
def test_a_push_that_can_reach_ios_needs_an_environment(push):
    with pytest.raises(InvalidPush) as caught:
        encode_content(**push)
    assert caught.value.field == "options.apns_production"
    for remedy in ("options of the push", "PUSH_APPS__<app>__APNS_PRODUCTION", "platform='android'"):
        assert remedy in caught.value.reason
    encode_content(**push, options={"apns_production": False})
    encode_content(**push, apns_production=True)


@pytest.mark.parametrize(
    "push",
    [
        {"notification": HI, "platform": "android"},
        {"notification": HI, "platform": ["android", "hmos"]},
        {"notification": {"android": {"alert": "hi"}}},
    ],
)
def test_a_push_that_cannot_reach_ios_needs_none_and_gets_none(push):
    assert b"apns_production" not in encode_content(**push).item("t", "c")
    assert b"apns_production" not in encode_content(**push, apns_production=True).item("t", "c")


def test_the_environment_of_the_push_wins_over_the_apps():
    item = encode_content(notification=HI, options={"apns_production": False}, apns_production=True).item("t", "c")
    assert json.loads(item)["options"]["apns_production"] is False


def test_an_environment_given_as_text_is_refused_and_never_taken_for_true():
    with pytest.raises(InvalidPush) as caught:
        encode_content(notification=HI, apns_production="false")  # type: ignore[arg-type]  # as untyped callers do
    assert caught.value.field == "options.apns_production"
