"""What is written has exactly the names of the API reference."""

import json

import pytest

from producers.encoding import encode_content, encode_request
from producers.models import (
    AndroidNotification,
    HmosNotification,
    Intent,
    IosNotification,
    LiveActivity,
    Message,
    Notification,
    Options,
)

NOTIFICATION = {
    "alert": {"title": "common", "body": "text"},
    "android": {
        "alert": "hi",
        "title": "t",
        "builder_id": 1,
        "channel_id": "c",
        "priority": 2,
        "category": "IM",
        "style": 1,
        "big_text": "b",
        "inbox": {"1": "line"},
        "big_pic_path": "https://pic.example/a.png",
        "extras": {"k": [1, None, {"x": 1.5}]},
        "intent": {"url": "intent:#Intent;end"},
        "large_icon": "l",
        "small_icon": "s",
        "sound": "ding",
        "badge_add_num": 1,
        "badge_set_num": 0,
        "badge_class": "a.B",
        "display_foreground": "1",
        "group_id": "g",
        "is_fold": True,
    },
    "ios": {
        "alert": {"title": "a", "subtitle": "b", "body": "c"},
        "sound": {"critical": 1, "name": "default", "volume": 0.5},
        "badge": "+1",
        "content-available": True,
        "mutable-content": True,
        "category": "c",
        "thread-id": "t",
        "interruption-level": "active",
        "extras": {"k": "v"},
    },
    "hmos": {
        "alert": "hi",
        "title": "t",
        "category": "IM",
        "intent": {"url": "action.system.home"},
        "large_icon": "https://pic.example/a.png",
        "badge_add_num": 1,
        "badge_set_num": 0,
        "test_message": False,
        "receipt_id": "r",
        "extras": {},
        "style": 3,
        "inbox_content": ["a", "b", "c"],
        "push_type": 2,
        "extra_data": "x",
        "display_foreground": "0",
    },
}
MESSAGE = {
    "msg_content": {"any": "thing"},
    "title": "t",
    "content_type": "text",
    "extras": {"k": "v"},
    "test_message": True,
    "receipt_id": "r",
}
OPTIONS = {
    "apns_production": False,
    "apns_collapse_id": "c",
    "override_msg_id": 1828256757,
    "big_push_duration": 1440,
    "multi_language": {"en": {"content": "c", "title": "t", "subtitle": "s"}},
    "third_party_channel": {
        "oppo": {"distribution": "secondary_push", "notify_level": 16},
        "distribution_new": "mtpush",
    },
    "classification": 1,
    "voice_value": "v",
    "enhanc_message": True,
    "plan_id": "p_1",
    "auto_truncation": True,
}
ACTIVITY = {
    "ios": {
        "event": "start",
        "attributes-type": "Ride",
        "content-state": {"eta": 5},
        "attributes": {"car": "red"},
        "alert": {"title": "t", "body": "b", "sound": "s"},
        "dismissal-date": 1700000000,
        "stale-date": 1700000001,
        "relevance-score": 100,
        "apns-priority": 5,
    }
}


def test_a_full_notification_is_written_as_the_reference_spells_it():
    item = encode_content(notification=NOTIFICATION, options=OPTIONS, platform=["android", "ios"]).item("rid1", "cid1")
    assert json.loads(item) == {
        "target": "rid1",
        "platform": ["android", "ios"],
        "notification": NOTIFICATION,
        "options": {**OPTIONS, "cid": "cid1"},
    }


def test_a_message_is_written_as_the_reference_spells_it():
    content = encode_content(message=MESSAGE, platform="android", custom_args={"order": 1})
    assert json.loads(content.item("rid1", "cid1")) == {
        "target": "rid1",
        "custom_args": {"order": 1},
        "platform": "android",
        "message": MESSAGE,
        "options": {"cid": "cid1"},
    }


def test_an_item_is_these_bytes():
    content = encode_content(
        notification=Notification(
            alert="hi",
            ios=IosNotification(
                content_available=True, mutable_content=False, thread_id="t", interruption_level="passive", badge=0
            ),
        ),
        options=Options(time_to_live=60, plan_id="p"),
        apns_production=True,
    )
    assert (
        content.item('r"é', "c-1")
        == (
            '{"target":"r\\"é","platform":"all","notification":{"alert":"hi","ios":{"badge":0,"content-available":true,'
            '"mutable-content":false,"thread-id":"t","interruption-level":"passive"}},'
            '"options":{"plan_id":"p","apns_production":true,"cid":"c-1","time_to_live":60}}'
        ).encode()
    )
    assert (content.ttl, content.platform) == (60, "all")


def test_a_request_is_these_bytes():
    content = encode_request(
        to={"tag": ["a"], "seg": {"id": "s"}},
        message=Message(msg_content="m"),
        platform="android",
        options={"time_to_live": 0},
        custom_args="plain",
        from_="push",
    )
    assert content.request("c1", "r1") == (
        b'{"from":"push","to":{"tag":["a"],"seg":{"id":"s"}},"custom_args":"plain","request_id":"r1",'
        b'"body":{"platform":["android"],"message":{"msg_content":"m"},"options":{"cid":"c1","time_to_live":0}}}'
    )
    assert (content.ttl, content.platform) == (0, "android")


@pytest.mark.parametrize(
    "to",
    [
        "all",
        {"registration_id": ["rid1", "rid2"]},
        {"alias": ["bob", "王_1"]},
        {"tag": ["a"], "tag_and": ["b"], "tag_not": ["c"]},
        {"seg": {"id": "s1"}},
        {"live_activity_id": "la"},
        {"tag": ["a"], "geofence": {"id": 7}},
    ],
)
def test_every_audience_is_written_as_given(to):
    request = encode_request(to=to, notification="hi", apns_production=True).request("c", "r")
    assert json.loads(request) == {
        "to": to,
        "request_id": "r",
        "body": {
            "platform": "all",
            "notification": {"alert": "hi"},
            "options": {"apns_production": True, "cid": "c"},
        },
    }


@pytest.mark.parametrize(("name", "payload"), [("live_activity", ACTIVITY), ("voip", {"caller": {"name": "Bob"}})])
def test_ios_only_payloads_are_written_as_the_reference_spells_them(name, payload):
    content = encode_request(to="all", platform="ios", apns_production=False, **{name: payload})
    body = json.loads(content.request("c", "r"))["body"]
    assert body == {"platform": ["ios"], name: payload, "options": {"apns_production": False, "cid": "c"}}


@pytest.mark.parametrize(
    ("given", "item_form", "request_form"),
    [
        ("all", "all", "all"),
        ("android", "android", ["android"]),
        (["hmos"], "hmos", ["hmos"]),
        (("android", "hmos", "android"), ["android", "hmos"], ["android", "hmos"]),
    ],
)
def test_platforms_take_the_form_that_the_endpoint_documents(given, item_form, request_form):
    item = encode_content(notification="hi", platform=given, apns_production=True).item("t", "c")
    request = encode_request(to="all", notification="hi", platform=given, apns_production=True).request("c", "r")
    assert json.loads(item)["platform"] == item_form
    assert json.loads(request)["body"]["platform"] == request_form


def test_fields_that_the_reference_does_not_know_pass_through_unchanged():
    notification = {"alert": "hi", "android": {"glow": {"x": [1, None]}}, "watch": {"alert": "w"}}
    item = encode_content(notification=notification, platform="android", options={"future": True}).item("t", "c")
    assert json.loads(item)["notification"] == notification
    assert json.loads(item)["options"] == {"future": True, "cid": "c"}


def test_models_and_dicts_encode_alike():
    model = Notification(
        alert="hi",
        android=AndroidNotification(title="t", intent=Intent(url="app://x")),
        hmos=HmosNotification(alert="h"),
    )
    as_dict = {"alert": "hi", "android": {"title": "t", "intent": {"url": "app://x"}}, "hmos": {"alert": "h"}}
    encoded = [encode_content(notification=n, platform="android").item("t", "c") for n in (model, as_dict)]
    assert encoded[0] == encoded[1]


def test_python_names_and_api_names_are_both_understood():
    by_name = LiveActivity.read({"ios": {"event": "update", "content_state": {"a": 1}, "stale_date": 5}})
    by_alias = LiveActivity.read({"ios": {"event": "update", "content-state": {"a": 1}, "stale-date": 5}})
    assert by_name == by_alias
