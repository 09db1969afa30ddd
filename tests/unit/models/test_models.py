"""A model refuses bad data where it is built, and keeps its own copy of good data."""

import collections
import enum
import json

import pytest

from producers.encoding import encode_content
from producers.errors import InvalidPush
from producers.models import (
    AndroidNotification,
    Audience,
    BatchItem,
    HmosNotification,
    LiveActivity,
    Message,
    Notification,
    Options,
    Voip,
)

HI = {"alert": "hi"}
deep: dict = {}
deep["self"] = deep


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: AndroidNotification(extras={"when": object()}), "notification.android.extras.when"),
        (lambda: Notification(android={"title": 1}), "notification.android.title"),
        (lambda: HmosNotification(**{}), "notification.hmos.alert"),
        (lambda: Message(**{}), "message.msg_content"),
        (lambda: Options(cid="x"), "options.cid"),
        (lambda: Audience(alias=["a b"]), "to.alias.0"),
        (lambda: LiveActivity(ios={"event": "end"}), "live_activity.ios.content-state"),
        (lambda: Voip.read({"a": object()}), "voip.a"),
        (lambda: BatchItem(target="", notification=HI), "target"),
        (lambda: BatchItem(**{"target": "r", "notifcation": HI}), "notifcation"),
    ],
)
def test_a_broken_model_is_refused_where_it_is_built(build, field):
    with pytest.raises(InvalidPush) as caught:
        build()
    assert caught.value.field == field


def test_the_first_finding_is_named_and_the_others_are_counted():
    with pytest.raises(InvalidPush, match=r"^notification\.android\.title: .*\(and 1 more\)$"):
        Notification(android={"title": 1, "sound": 2})


def test_a_value_that_contains_itself_is_refused():
    with pytest.raises(InvalidPush, match="contains itself"):
        AndroidNotification(extras=deep)


def test_the_sender_may_change_its_data_after_the_model_is_built():
    extras: dict = {"a": [1]}
    model = AndroidNotification(extras=extras)
    extras["a"].append(object())
    assert model.extras == {"a": [1]}


def test_subclasses_of_plain_types_are_written_by_their_value():
    class Kind(str, enum.Enum):  # noqa: UP042  (the older spelling, whose str() differs, is what is tested)
        PARCEL = "parcel"

    class Level(enum.IntEnum):
        HIGH = 2

    class Amount(float):
        pass

    model = AndroidNotification(extras={"kind": Kind.PARCEL, "level": Level.HIGH, "sum": Amount(1.5), "pair": (1, 2)})
    assert json.loads(model.model_dump_json())["extras"] == {"kind": "parcel", "level": 2, "sum": 1.5, "pair": [1, 2]}


def test_absent_may_be_said_with_none():
    given = (
        Options(cid=None, third_party_channel=None),
        Audience(tag=["a"], alias=None),
        AndroidNotification(extras=None),
    )
    assert given == (Options(), Audience(tag=["a"]), AndroidNotification())


def test_kinds_of_dict_are_taken_as_objects():
    nested = collections.OrderedDict(a=collections.OrderedDict(b=1))
    assert AndroidNotification(extras=nested).extras == {"a": {"b": 1}}


def test_a_model_that_was_spoilt_after_its_check_is_refused_when_it_is_encoded():
    model = Notification(alert={"body": "hi"})
    assert isinstance(model.alert, dict)
    model.alert["body"] = object()
    with pytest.raises(InvalidPush, match="changed after the model was built"):
        encode_content(notification=model, platform="android")
