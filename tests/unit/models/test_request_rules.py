"""Each rule about audiences, live activities and VoIP refuses what breaks it, and names the field."""

import pytest

from producers.encoding import encode_request
from producers.errors import InvalidPush

HI = {"alert": "hi"}


def _name(case):
    return case if isinstance(case, str) else None


start = {"ios": {"event": "start", "attributes-type": "T", "content-state": {"a": 1}}}


def step(**fields):
    return {"live_activity": {"ios": {"event": "update", "content-state": {"a": 1}, **fields}}, "platform": "ios"}


REQUEST_RULES = [
    ({"to": {}}, "to"),
    ({"to": None}, "to"),
    ({"to": ""}, "to"),
    ({"to": "everyone"}, "to"),
    ({"to": {"tags": ["a"]}}, "to"),
    ({"to": {"alias": []}}, "to.alias"),
    ({"to": {"tag": ["a"], "tag_not": []}}, "to.tag_not"),
    ({"to": {"alias": "bob"}}, "to.alias"),
    ({"to": {"alias": ["ok", "not ok"]}}, "to.alias.1"),
    ({"to": {"alias": ["a" * 41]}}, "to.alias.0"),
    ({"to": {"alias": ["a"] * 1001}}, "to.alias"),
    ({"to": {"tag": [""]}}, "to.tag.0"),
    ({"to": {"tag_and": ["王" * 14]}}, "to.tag_and.0"),
    ({"to": {"registration_id": ["rid1", "a\nb"]}}, "to.registration_id.1"),
    ({"to": {"registration_id": [5]}}, "to.registration_id.0"),
    ({"to": {"seg": {}}}, "to.seg.id"),
    ({"to": {"seg": {"id": " "}}}, "to.seg.id"),
    ({"to": {"seg": {"id": "\ud800"}}}, "to.seg.id"),
    ({"to": {"live_activity_id": ""}}, "to.live_activity_id"),
    ({"from_": ""}, "from"),
    ({"from_": "\ud800"}, "from"),
    ({"notification": None, "voip": {"a": 1}}, "platform"),
    ({"notification": None, "voip": {"a": 1}, "platform": "android"}, "platform"),
    ({"notification": None, "voip": {"a": 1}, "platform": ["ios", "android"]}, "platform"),
    ({"notification": None, "voip": {"a": b"x"}, "platform": "ios"}, "voip.a"),
    ({"voip": {"a": 1}, "platform": "ios"}, "voip"),
    ({"live_activity": start, "platform": "ios"}, "live_activity"),
    ({"live_activity": start, "platform": "ios", "allow_mixed": True}, "live_activity"),
    ({"notification": None, "live_activity": start}, "platform"),
    ({"notification": None, "live_activity": start, "platform": "ios", "to": {"tag": ["a"]}}, "to"),
    (
        {
            "notification": None,
            "live_activity": start,
            "platform": "ios",
            "to": {"tag": ["a"], "registration_id": ["r"]},
        },
        "to",
    ),
    ({"notification": None, "live_activity": {}, "platform": "ios"}, "live_activity.ios"),
    ({"notification": None, **step(event="pause")}, "live_activity.ios.event"),
    ({"notification": None, **step(event="start")}, "live_activity.ios.attributes-type"),
    ({"notification": None, **step(**{"content-state": {}})}, "live_activity.ios.content-state"),
    ({"notification": None, **step(**{"content-state": None})}, "live_activity.ios.content-state"),
    ({"notification": None, **step(**{"relevance-score": 0})}, "live_activity.ios.relevance-score"),
    ({"notification": None, **step(**{"relevance-score": 101})}, "live_activity.ios.relevance-score"),
    ({"notification": None, **step(**{"apns-priority": 7})}, "live_activity.ios.apns-priority"),
    ({"notification": None, **step(alert={"title": 5})}, "live_activity.ios.alert.title"),
    ({"notification": None, "voip": {"a": "x" * 4000}, "platform": "ios"}, "voip"),
]


@pytest.mark.parametrize(("push", "field"), REQUEST_RULES, ids=_name)
def test_a_broken_request_is_refused_naming_the_field(push, field):
    with pytest.raises(InvalidPush) as caught:
        encode_request(**{"to": "all", "notification": HI, "apns_production": True, **push})
    assert caught.value.field == field


@pytest.mark.parametrize("to", ["all", {"registration_id": ["r"]}])
def test_a_live_activity_starts_for_all_or_for_registration_ids(to):
    encode_request(to=to, live_activity=start, platform="ios", apns_production=True)


def test_a_request_id_must_be_text():
    with pytest.raises(InvalidPush) as caught:
        encode_request(to="all", notification=HI, platform="android").request("c", "")
    assert caught.value.field == "request_id"
