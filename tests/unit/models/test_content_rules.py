"""Each rule about the content of a push refuses what breaks it, and names the field."""

import datetime
import json

import pytest

from producers.encoding import encode_batch_item, encode_content
from producers.errors import InvalidPush
from producers.models import (
    BatchItem,
    Message,
)

HI = {"alert": "hi"}


def android(**fields):
    return {"notification": {"alert": "hi", "android": fields}}


def ios(**fields):
    return {"notification": {"alert": "hi", "ios": fields}}


def hmos(**fields):
    return {"notification": {"hmos": {"alert": "hi", **fields}}}


def with_options(**fields):
    return {"notification": HI, "options": fields}


def channel(**vendors):
    return with_options(third_party_channel=vendors)


CONTENT_RULES = [
    # what may go together
    ({}, "notification"),
    ({"notification": HI, "message": {"msg_content": "m"}}, "message"),
    ({"notification": {}}, "notification"),
    ({"notification": 3}, "notification"),
    ({"notification": Message(msg_content="m")}, "notification"),
    ({"message": "text"}, "message"),
    # platform
    ({"notification": HI, "platform": "windows"}, "platform"),
    ({"notification": HI, "platform": []}, "platform"),
    ({"notification": HI, "platform": ["android", "all"]}, "platform"),
    ({"notification": HI, "platform": None}, "platform"),
    ({"notification": HI, "platform": {"android": 1}}, "platform"),
    ({"notification": HI, "platform": [["android"]]}, "platform"),
    # sizes
    ({"notification": {"alert": "x" * 3989}}, "notification"),
    ({"notification": {"alert": "王" * 1330}}, "notification"),
    ({"message": {"msg_content": "x" * 4000}}, "message"),
    ({"notification": HI, "custom_args": {"k": "x" * 121}}, "custom_args"),
    ({"notification": HI, "custom_args": "x" * 127}, "custom_args"),
    # types
    ({"notification": {"alert": 5}}, "notification.alert"),
    ({"notification": {"alert": {"body": b"x"}}}, "notification.alert.body"),
    (android(title=5), "notification.android.title"),
    (android(extras="x"), "notification.android.extras"),
    (android(intent={"uri": "x"}), "notification.android.intent.url"),
    (android(display_foreground="yes"), "notification.android.display_foreground"),
    (ios(badge=True), "notification.ios.badge"),
    (ios(badge=1.5), "notification.ios.badge"),
    (ios(sound=3), "notification.ios.sound"),
    (ios(**{"content-available": "perhaps"}), "notification.ios.content-available"),
    ({"message": {"title": "t"}}, "message.msg_content"),
    ({"message": {"msg_content": None}}, "message.msg_content"),
    ({"message": {"msg_content": 5}}, "message.msg_content"),
    # free JSON
    (android(extras={"when": datetime.datetime.now(tz=datetime.UTC)}), "notification.android.extras.when"),
    (android(extras={"a": [1, {"b": b"x"}]}), "notification.android.extras.a.1.b"),
    (android(extras={"a": float("nan")}), "notification.android.extras.a"),
    (android(extras={"a": float("inf")}), "notification.android.extras.a"),
    (android(extras={"a": {1: 2}}), "notification.android.extras.a.1"),
    (android(extras={"a": {1, 2}}), "notification.android.extras.a"),
    (android(extras={"a": 2**63}), "notification.android.extras.a"),
    (android(style=10**5000), "notification.android.style"),
    ({"notification": HI, "custom_args": {"n": 10**5000}}, "custom_args.n"),
    (with_options(classification=10**5000), "options.classification"),
    (android(unknown_to_us=object()), "notification.android.unknown_to_us"),
    ({"message": {"msg_content": "m", "extras": {"x": object()}}}, "message.extras.x"),
    ({"notification": HI, "custom_args": {"x": object()}}, "custom_args.x"),
    ({"notification": HI, "custom_args": 5}, "custom_args"),
    # Unicode
    ({"notification": "\ud800"}, "notification.alert"),
    (android(title="a\udfffb"), "notification.android.title"),
    (android(extras={"a": ["x", "\ud800"]}), "notification.android.extras.a.1"),
    (android(extras={"a": {"\ud800": 1}}), "notification.android.extras.a"),
    ({"message": {"msg_content": "\ud800"}}, "message.msg_content"),
    (with_options(voice_value="\ud800"), "options.voice_value"),
    ({"notification": HI, "custom_args": {"x": "\ud800"}}, "custom_args"),
    # HarmonyOS
    ({"notification": {"hmos": {"title": "t"}}}, "notification.hmos.alert"),
    (hmos(push_type=1), "notification.hmos.push_type"),
    (hmos(push_type=10), "notification.hmos.extra_data"),
    (hmos(style=1), "notification.hmos.style"),
    (hmos(style=3), "notification.hmos.inbox_content"),
    (hmos(style=3, inbox_content=["a", "b", "c", "d"]), "notification.hmos.inbox_content"),
    (hmos(inbox_content=["a", 2]), "notification.hmos.inbox_content.1"),
    (hmos(badge_add_num=0), "notification.hmos.badge_add_num"),
    (hmos(badge_add_num=100), "notification.hmos.badge_add_num"),
    (hmos(badge_set_num=-1), "notification.hmos.badge_set_num"),
    (hmos(badge_set_num=100), "notification.hmos.badge_set_num"),
    (hmos(large_icon="http://x"), "notification.hmos.large_icon"),
    # options
    (with_options(cid="mine"), "options.cid"),
    (with_options(time_to_live=-1), "options.time_to_live"),
    (with_options(time_to_live="soon"), "options.time_to_live"),
    (with_options(time_to_live=2**63), "options.time_to_live"),
    (with_options(override_msg_id="abc"), "options.override_msg_id"),
    (with_options(big_push_duration=1441), "options.big_push_duration"),
    (with_options(plan_id="_p"), "options.plan_id"),
    (with_options(plan_id="p" * 51), "options.plan_id"),
    (with_options(plan_id="p-1"), "options.plan_id"),
    (with_options(plan_id=""), "options.plan_id"),
    (with_options(multi_language={"en": "text"}), "options.multi_language.en"),
    (with_options(multi_language={"en": {"content": 5}}), "options.multi_language.en.content"),
    (channel(xiaomi="x"), "options.third_party_channel.xiaomi"),
    (channel(huawei={"distribution": ""}), "options.third_party_channel.huawei.distribution"),
    (channel(huawei={"distribution": 1}), "options.third_party_channel.huawei.distribution"),
    (channel(oppo={"notify_level": 3}), "options.third_party_channel.oppo.notify_level"),
    (channel(oppo={"extra": b"x"}), "options.third_party_channel.oppo.extra"),
    (
        {
            "notification": {"android": {"title": "t"}},
            "options": {"third_party_channel": {"fcm": {"distribution": "ospush"}}},
        },
        "notification.alert",
    ),
    ({"notification": HI, "options": "x"}, "options"),
]


def _name(case):
    return case if isinstance(case, str) else None


@pytest.mark.parametrize(("push", "field"), CONTENT_RULES, ids=_name)
def test_a_broken_content_is_refused_naming_the_field(push, field):
    with pytest.raises(InvalidPush) as caught:
        encode_content(apns_production=True, **push)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize("size", [3999, 4000])
def test_a_payload_of_up_to_4000_bytes_passes(size):
    encode_content(notification={"alert": "x" * (size - len('{"alert":""}'))}, platform="android")


def test_notification_and_message_pass_together_when_the_caller_lets_the_api_decide():
    content = encode_content(notification="hi", message={"msg_content": "m"}, platform="android", allow_mixed=True)
    assert json.loads(content.item("t", "c")).keys() == {"target", "platform", "notification", "message", "options"}
    with pytest.raises(InvalidPush) as caught:
        encode_content(
            notification="x" * 2500, message={"msg_content": "x" * 2500}, platform="android", allow_mixed=True
        )
    assert caught.value.field == "notification + message"


def test_an_alert_of_any_platform_satisfies_a_distribution():
    options = {"third_party_channel": {"fcm": {"distribution": "ospush"}}}
    encode_content(notification={"android": {"alert": "hi"}}, options=options)


def test_a_batch_item_encodes_like_its_content():
    item = BatchItem(target="rid1", platform="android", message={"msg_content": "m"}, custom_args={"a": 1})
    content = encode_content(message={"msg_content": "m"}, platform="android", custom_args={"a": 1})
    assert encode_batch_item(item) == content


@pytest.mark.parametrize("cid", ["", "a b", 'x"', "é", "x" * 65, "a\n"])
def test_a_cid_outside_its_charset_is_refused(cid):
    with pytest.raises(InvalidPush) as caught:
        encode_content(notification=HI, platform="android").item("rid1", cid)
    assert caught.value.field == "options.cid"
