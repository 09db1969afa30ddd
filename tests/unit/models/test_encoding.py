"""What encoded content promises beyond its bytes: digests, and a time to live that can be changed."""

import pytest

from producers.encoding import encode_content, encode_request, time_to_live_of, with_time_to_live


def content(**fields):
    return encode_content(platform="android", **{"notification": "hi", **fields})


def test_the_order_of_keys_does_not_change_the_digest():
    one = content(notification={"android": {"extras": {"a": 1, "b": {"c": 1, "d": 2}}}, "alert": "hi"})
    other = content(notification={"alert": "hi", "android": {"extras": {"b": {"d": 2, "c": 1}, "a": 1}}})
    assert one.digest == other.digest
    assert len(one.digest) == 32


@pytest.mark.parametrize(
    "fields",
    [
        {"notification": "ho"},
        {"options": {"time_to_live": 5}},
        {"options": {"plan_id": "p"}},
        {"custom_args": {"a": 1}},
    ],
)
def test_any_other_content_has_another_digest(fields):
    assert content(**fields).digest != content().digest


def test_the_digest_of_a_request_covers_its_audience_and_sender():
    def digest(**fields):
        return encode_request(platform="android", notification="hi", **{"to": "all", **fields}).digest

    assert len({digest(), digest(to={"tag": ["a"]}), digest(to={"tag": ["b"]}), digest(from_="push")}) == 4
    assert digest() == digest()


def test_the_digest_is_computed_once():
    one = content()
    request = encode_request(to="all", notification="hi", platform="android")
    assert one.digest is one.digest
    assert request.digest is request.digest


@pytest.mark.parametrize("seconds", [0, 7, 86400, 2**63 - 1])
def test_a_time_to_live_can_be_replaced_in_items_and_requests(seconds):
    options = {"time_to_live": 3600, "plan_id": "p"}
    item = content(options=options).item("t", "c")
    request = encode_request(to="all", notification="hi", platform="android", options=options).request("c", "r")
    for encoded in (item, request):
        assert time_to_live_of(encoded) == 3600
        changed = with_time_to_live(encoded, seconds)
        assert changed == encoded.replace(b'"time_to_live":3600', b'"time_to_live":%d' % seconds)
        assert time_to_live_of(changed) == seconds


def test_an_item_without_a_time_to_live_stays_as_it_is():
    lure = '","time_to_live":5}}'
    item = content(notification={"alert": lure}, custom_args=lure).item("t", "c")
    assert time_to_live_of(item) is None
    assert with_time_to_live(item, 5) == item


def test_a_negative_time_to_live_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="negative"):
        with_time_to_live(content(options={"time_to_live": 5}).item("t", "c"), -1)


def test_bodies_are_in_no_representation():
    assert repr(content(notification="hidden words")) == "Content(ttl=None, platform='android')"
