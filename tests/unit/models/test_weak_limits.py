"""Limits that the vendor does not confirm are enforced on request only."""

import pytest

from producers.encoding import encode_request
from producers.errors import InvalidPush
from producers.models import WEAK_LIMITS, Limits

STRICT = Limits(strict_weak=True)
BREAKERS = [
    ("notification", {"notification": {"alert": "x" * 2100}}),
    ("notification.android.channel_id", {"notification": {"android": {"channel_id": "x" * 1001}}}),
    ("notification.android.priority", {"notification": {"android": {"priority": 3}}}),
    ("notification.android.style", {"notification": {"android": {"style": 4}}}),
    ("notification.android.big_text", {"notification": {"android": {"big_text": "x"}}}),
    ("notification.android.inbox", {"notification": {"android": {"inbox": {"1": "x"}, "style": 1}}}),
    ("notification.android.big_pic_path", {"notification": {"android": {"big_pic_path": "x"}}}),
    ("notification.android.badge_add_num", {"notification": {"android": {"badge_add_num": 0}}}),
    ("notification.android.badge_set_num", {"notification": {"android": {"badge_set_num": 100}}}),
    ("notification.ios", {"notification": {"ios": {"extras": {"a": "x" * 2000}}}}),
    ("notification.ios.badge", {"notification": {"ios": {"badge": "+100"}}}),
    ("notification.ios.interruption-level", {"notification": {"ios": {"interruption-level": "loud"}}}),
    ("options.time_to_live", {"options": {"time_to_live": 15 * 86400 + 1}}),
    ("options.apns_collapse_id", {"options": {"apns_collapse_id": "x" * 65}}),
    ("options.classification", {"options": {"classification": 2}}),
    ("options.multi_language", {"options": {"multi_language": {"tlh": {"content": "nuqneH"}}}}),
    ("options.third_party_channel", {"options": {"third_party_channel": {"vivo": {"distribution": "jpush"}}}}),
    ("to.registration_id", {"to": {"registration_id": [f"r{n}" for n in range(1001)]}}),
    ("to.tag", {"to": {"tag": [f"t{n}" for n in range(21)]}}),
    ("to.tag_and", {"to": {"tag_and": [f"t{n}" for n in range(21)]}}),
    ("to.tag_not", {"to": {"tag_not": [f"t{n}" for n in range(21)]}}),
]


def complete(push):
    return {"to": "all", "notification": "hi", "apns_production": True, **push}


@pytest.mark.parametrize(("field", "push"), BREAKERS)
def test_a_weak_limit_refuses_only_when_asked(field, push):
    encode_request(**complete(push))
    with pytest.raises(InvalidPush, match=r"unconfirmed limit, grade [WJF]\)") as caught:
        encode_request(**complete(push), limits=STRICT)
    if field != "notification.ios":  # its text breaks the limit of the whole notification first
        assert caught.value.field == field


def test_every_weak_limit_has_a_push_that_breaks_it():
    assert [limit.field for limit in WEAK_LIMITS] == [field for field, _ in BREAKERS]


def test_a_push_within_the_weak_limits_passes():
    push = {
        "to": {"tag": ["a"]},
        "notification": {
            "android": {"alert": "hi", "style": 1, "big_text": "x", "priority": -2},
            "ios": {"badge": "+1", "interruption-level": "active"},
        },
        "options": {
            "multi_language": {"zh-Hans": {"content": "你好"}},
            "third_party_channel": {"vivo": {"distribution": "ospush"}, "distribution_new": "mtpush"},
        },
    }
    encode_request(**complete(push), limits=STRICT)
