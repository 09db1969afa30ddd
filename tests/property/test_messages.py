"""Whatever can be sent comes out of the encoder as it went in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.encoding import check_registration_id, encode_content, encode_request, time_to_live_of, with_time_to_live
from producers.errors import InvalidPush
from producers.models import (
    AndroidNotification,
    HmosNotification,
    Intent,
    IosNotification,
    Message,
    Notification,
    Options,
)

text = st.text(max_size=30)
optional_text = st.none() | text
numbers = st.integers(-(2**53), 2**53)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(text, json_values, max_size=3)
alerts = st.none() | text | objects
cids = st.text("abcXYZ019_-", min_size=1, max_size=64)
targets = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=128)
live_times = st.integers(0, 2**40)

android = st.builds(
    AndroidNotification,
    alert=alerts,
    title=optional_text,
    style=st.none() | numbers,
    inbox=st.none() | objects,
    extras=st.none() | objects,
    intent=st.none() | st.builds(Intent, url=text),
    is_fold=st.none() | st.booleans(),
)
ios = st.builds(
    IosNotification,
    alert=alerts,
    sound=alerts,
    badge=st.none() | numbers | text,
    content_available=st.none() | st.booleans(),
    thread_id=optional_text,
    interruption_level=optional_text,
    extras=st.none() | objects,
)
hmos = st.builds(
    HmosNotification,
    alert=text,
    title=optional_text,
    inbox_content=st.none() | st.lists(text, max_size=3),
    badge_add_num=st.none() | st.integers(1, 99),
    extras=st.none() | objects,
)
notifications = st.builds(
    Notification, alert=text | objects, android=st.none() | android, ios=st.none() | ios, hmos=st.none() | hmos
)
messages = st.builds(
    Message, msg_content=text | objects, title=optional_text, content_type=optional_text, extras=st.none() | objects
)
options = st.builds(
    Options,
    time_to_live=st.none() | live_times,
    apns_production=st.booleans(),
    big_push_duration=st.none() | st.integers(0, 1440),
    override_msg_id=st.none() | st.integers(1, 2**63 - 1),
    voice_value=optional_text,
)


@given(notifications, options, targets, cids)
def test_notifications_come_out_as_they_went_in(notification, chosen, target, cid):
    item = json.loads(encode_content(notification=notification, options=chosen).item(target, cid))
    assert Notification.read(item["notification"]) == notification
    assert item["options"].pop("cid") == cid
    assert Options.read(item["options"]) == chosen
    assert item["target"] == check_registration_id(target) == target


@given(messages, targets, cids)
def test_messages_come_out_as_they_went_in(message, target, cid):
    item = json.loads(encode_content(message=message, apns_production=True).item(target, cid))
    assert item == {
        "target": target,
        "platform": "all",
        "message": item["message"],
        "options": {"apns_production": True, "cid": cid},
    }
    assert Message.read(item["message"]) == message


@given(notifications, options, live_times, live_times, targets)
def test_a_changed_time_to_live_changes_that_number_only(notification, chosen, first, second, target):
    chosen = chosen.model_copy(update={"time_to_live": first})
    content = encode_content(notification=notification, options=chosen)
    request = encode_request(to="all", notification=notification, options=chosen).request("c", target)
    for encoded in (content.item(target, "c"), request):
        changed = with_time_to_live(encoded, second)
        assert time_to_live_of(changed) == second
        assert with_time_to_live(changed, first) == encoded
        before, after = json.loads(encoded), json.loads(changed)
        for document, seconds in ((before, first), (after, second)):
            assert document.get("body", document)["options"].pop("time_to_live") == seconds
        assert before == after


@given(st.text(min_size=1, max_size=4), st.integers(700, 4500), st.booleans())
def test_nothing_over_4000_bytes_gets_through(piece, repeats, as_message):
    words = piece * repeats
    payload: dict[str, Any] = {"msg_content": words} if as_message else {"alert": words}
    size = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
    push: dict[str, Any] = {"message" if as_message else "notification": payload, "platform": "android"}
    if size > 4000:
        with pytest.raises(InvalidPush, match="at most 4000"):
            encode_content(**push)
    else:
        assert encode_content(**push)


@given(st.dictionaries(text, st.binary() | st.sets(st.integers()) | st.just(float("nan")), min_size=1, max_size=2))
def test_what_json_cannot_say_is_refused_at_its_place(extras):
    with pytest.raises(InvalidPush) as caught:
        encode_content(notification={"android": {"extras": extras}}, platform="android")
    assert caught.value.field in {f"notification.android.extras.{key}" for key in extras}


@given(st.text(st.characters(), min_size=1, max_size=10))
def test_any_text_is_encoded_or_refused_and_never_fails_otherwise(words):
    try:
        item = encode_content(notification={"alert": words, words: words}, platform="android").item("t", "c")
    except InvalidPush:
        return
    assert json.loads(item)["notification"]["alert"] == words
