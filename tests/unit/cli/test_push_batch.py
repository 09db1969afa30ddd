"""`pushctl batch`: items from a file or a pipe, one result per item."""

import io
import json

import pytest

from producers import BrokerUnavailable, State
from producers.cli import batch
from producers.contract import Kind

ITEMS = [{"target": f"rid_{i}", "platform": "android", "notification": {"alert": f"hi {i}"}} for i in range(3)]
BATCH = ("batch", "--app", "shop", "--items")
SHAPES = {
    "array": json.dumps(ITEMS),
    "indented": json.dumps(ITEMS, indent=2),
    "lines": "\n".join(map(json.dumps, ITEMS)),
    "lines with gaps": "\n\n".join(map(json.dumps, ITEMS)) + "\n",
}


@pytest.fixture
def pushctl(pushctl, monkeypatch):
    """The command records its pushes too."""
    monkeypatch.setattr(batch, "open_producer", lambda _url: pushctl.producer)
    return pushctl


def targets(pushctl):
    """The targets that were stored."""
    return [push.target for push in pushctl.producer.sent]


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("way", ["word", "file", "pipe"])
def test_items_come_in_every_shape_and_way(pushctl, tmp_path, monkeypatch, text, way):
    """A JSON array or an object per line; as it is, from a file, or from stdin."""
    path = tmp_path / "items"
    path.write_text(text)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    given = {"word": text, "file": f"@{path}", "pipe": "-"}[way]
    code, answer = pushctl.json(*BATCH, given)
    assert (code, answer["stored"], answer["refused"]) == (0, 3, 0)
    assert targets(pushctl) == ["rid_0", "rid_1", "rid_2"]
    assert [row["push_id"] for row in answer["results"]] == [push.push_id for push in pushctl.producer.sent]


def test_targets_may_be_aliases(pushctl):
    """And the lane another one."""
    items = json.dumps([{**ITEMS[0], "target": "user_1"}])
    code, answer = pushctl.json(*BATCH, items, "--by", "alias", "--lane", "urgent")
    (stored,) = pushctl.producer.sent
    assert (code, stored.kind, stored.target, answer["lane"]) == (0, Kind.ALIAS, "user_1", "urgent")


def test_a_wrong_item_is_told_and_stops_no_other(pushctl):
    """In its place, with the field; the exit code says that not all went well."""
    items = [ITEMS[0], {**ITEMS[1], "platform": "windows"}, {"notification": {"alert": "x"}}, ITEMS[2]]
    code, answer = pushctl.json(*BATCH, json.dumps(items))
    assert (code, answer["stored"], answer["refused"]) == (1, 2, 2)
    assert [row["field"] for row in answer["results"]] == [None, "platform", "registration_id", None]
    assert targets(pushctl) == ["rid_0", "rid_2"]


def test_whole_targets_are_shown_on_request_only(pushctl):
    """To scripts and to people."""
    items = json.dumps([{**ITEMS[0], "target": "rid_of_a_customer"}])
    for shape in ((), ("--json",)):
        pushctl(*BATCH, items, *shape)
        assert "rid_of_a_customer" not in pushctl.out
        pushctl(*BATCH, items, *shape, "--reveal")
        assert "rid_of_a_customer" in pushctl.out


@pytest.mark.parametrize("state", [State.ACCEPTED, State.REJECTED, State.PENDING])
def test_wait_tells_every_outcome(pushctl, state):
    """Exit 1 unless all are accepted."""
    pushctl.producer.set_outcome(state, code=20101)
    code, answer = pushctl.json(*BATCH, SHAPES["array"], "--wait", "0")
    assert (code, [row["state"] for row in answer["results"]]) == (int(state is not State.ACCEPTED), [state.word] * 3)


def test_without_redis_each_item_keeps_its_id(pushctl):
    """The error says whether it may have been stored."""
    pushctl.producer.raise_next(BrokerUnavailable([], maybe_stored=True))
    code, answer = pushctl.json(*BATCH, SHAPES["array"])
    assert (code, answer["stored"], {row["error"] for row in answer["results"]}) == (1, 0, {"BrokerUnavailable"})
    assert all(len(row["push_id"]) == 24 for row in answer["results"])


def test_show_prints_one_call_for_all(pushctl):
    """Nothing is stored."""
    code, answer = pushctl.json(*BATCH, SHAPES["lines"], "--show", "python")
    body = json.loads(answer["request"]["body"])
    assert (code, answer["request"]["url"].rpartition(".com")[2]) == (0, "/v4/batch/push/regid")
    assert [{name: item[name] for name in ITEMS[0]} for item in body["requests"]] == ITEMS
    assert len({item["options"]["cid"] for item in body["requests"]}) == 3
    assert targets(pushctl) == []


@pytest.mark.parametrize(
    ("text", "options", "named"),
    [
        ("s3cret", (), "--items"),
        ("[1, 2]", (), "--items"),
        ("[]", (), "--items"),
        ("", (), "--items"),
        ("@/no/such/file", (), "/no/such/file"),
        (json.dumps([ITEMS[0], ITEMS[0]]), ("--show",), "--show"),
        (json.dumps([{**ITEMS[0], "target": f"rid_{i}"} for i in range(501)]), ("--show",), "--show"),
        (SHAPES["array"], ("--by", "tag"), "--by"),
    ],
)
def test_wrong_usage_names_the_option(pushctl, text, options, named):
    """And stores nothing."""
    code, answer = pushctl.json(*BATCH, text, *options)
    assert (code, answer["error"]) == (2, "Usage")
    assert named in answer["message"]
    assert "s3cret" not in answer["message"]
    assert targets(pushctl) == []
