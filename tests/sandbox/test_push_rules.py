"""Each refusal of a single push, one row per rule of the reference."""

from typing import Any

import pytest

from tests.sandbox.driver import Sandbox, push_request

TEXT = {"alert": "Hello"}
ACTIVITY = {"ios": {"event": "update", "content-state": {"step": 1}}}
START = {"ios": {"event": "start", "attributes-type": "Ride", "content-state": {"step": 1}}}


def body(platform: Any = "android", **fields: Any) -> dict[str, Any]:
    """A push body with a notification, unless another payload is given."""
    payloads = ("notification", "message", "live_activity", "voip")
    text = {} if any(name in fields for name in payloads) else {"notification": TEXT}
    return {"platform": platform, **text, **fields}


def to(**fields: Any) -> dict[str, Any]:
    """An audience with an ordinary body."""
    return {"to": fields, "body": body("all")}


def with_body(*args: Any, audience: Any = "all", **fields: Any) -> dict[str, Any]:
    """A broadcast with this body."""
    return {"to": audience, "body": body(*args, **fields)}


def with_options(**options: Any) -> dict[str, Any]:
    """A broadcast with these options."""
    return with_body(options=options)


REFUSED: list[tuple[Any, int, int]] = [
    ({"body": body()}, 400, 21002),
    ({"to": "all"}, 400, 21002),
    ({"to": "all", "body": {"notification": TEXT}}, 400, 21002),
    ({"to": "all", "body": {"platform": "android"}}, 400, 21002),
    ({"to": {}, "body": body()}, 400, 21002),
    (to(tag=[]), 400, 21002),
    (with_body([]), 400, 21002),
    (with_body(message={"title": "no content"}), 400, 21002),
    (with_body(notification={}), 400, 21002),
    (with_body("ios", voip={}), 400, 21002),
    (to(seg={"name": "x"}), 400, 21002),
    (with_body("hmos", notification={"hmos": {"title": "no alert"}}), 400, 21002),
    (with_body("windows"), 400, 21003),
    (to(alias=["a" * 41]), 400, 21003),
    (to(alias=["with space"]), 400, 21003),
    (with_options(time_to_live=-1), 400, 21003),
    (with_options(time_to_live=15 * 86_400 + 1), 400, 21003),
    (with_options(plan_id="_x"), 400, 21003),
    (with_body("hmos", notification={"hmos": {"alert": "x", "push_type": 5}}), 400, 21003),
    (with_body(notification={"android": {"alert": "x", "display_foreground": "2"}}), 400, 21003),
    (with_body(notification={"alert": "x" * 4000}), 400, 21005),
    (with_body(notification={"alert": "推" * 1400}), 400, 21005),
    (to(tag=["unknown_tag"]), 400, 21011),
    (to(alias=["stranger"]), 400, 21011),
    (to(registration_id=["ridios1"]) | {"body": body("android")}, 400, 21011),
    (to(registration_id=["other1"]), 400, 20101),
    (to(registration_id=[""]), 400, 20101),
    (to(everybody=["x"]), 400, 21015),
    ("not an object", 400, 21016),
    ({"to": 5, "body": body()}, 400, 21016),
    (to(tag="vip"), 400, 21016),
    (to(tag=[f"t{n}" for n in range(21)]), 400, 21016),
    (to(registration_id=[f"rid{n}" for n in range(1001)]), 400, 21016),
    (with_body(notification={"android": {"alert": 5}}), 400, 21016),
    (with_options(time_to_live="60"), 400, 21016),
    (with_options(apns_production=1), 400, 21016),
    ({**push_request(), "custom_args": {"k": "v" * 128}}, 400, 21016),
    (with_body("ios", live_activity={"ios": {**ACTIVITY["ios"], "event": "pause"}}), 400, 21050),
    (with_body("ios", live_activity=START, audience={"tag": ["vip"]}), 400, 21051),
    (with_body("ios", live_activity={"ios": {**START["ios"], "attributes-type": ""}}), 400, 21052),
    (with_body("ios", live_activity={"ios": {"event": "end"}}), 400, 21053),
    (with_body("ios", live_activity=ACTIVITY, notification=TEXT), 400, 21054),
    (with_body("all", live_activity=ACTIVITY), 400, 21056),
    (with_body("ios", voip={"call": 1}, message={"msg_content": "x"}), 400, 21057),
    (with_body("android", voip={"call": 1}), 400, 21058),
    (with_body("ios", voip={"call": 1}, options={"big_push_duration": 5}), 401, 21059),
    (with_body(notification=TEXT, message={"msg_content": "x"}), 401, 21306),
    (with_options(cid=""), 400, 23003),
    (with_options(cid="with space"), 400, 23003),
    (with_options(cid="x" * 65), 400, 23003),
    (with_options(cid=7), 400, 23003),
    (with_options(big_push_duration=1441), 400, 23006),
    (with_options(override_msg_id=1), 400, 1003),
    (with_options(plan_id=""), 400, 27303),
    (
        with_body(notification={"android": {}}, options={"third_party_channel": {"fcm": {"distribution": "ospush"}}}),
        401,
        27008,
    ),
    (with_options(third_party_channel={"xiaomi": {"distribution": ""}}), 401, 27009),
]

ACCEPTED: list[Any] = [
    with_body("all"),
    to(tag=["vip"], tag_and=["a"], tag_not=["b"]),
    to(alias=["user_1", "alias2"]),
    to(seg={"id": "segment1"}),
    to(live_activity_id="ride-1") | {"body": body("ios", live_activity=ACTIVITY)},
    with_body("ios", live_activity=START),
    with_body("ios", voip={"call": 1}),
    with_body(["android", "ios", "hmos"], message={"msg_content": {"deep": 1}, "title": "x"}),
    with_body("hmos", notification={"hmos": {"alert": "x", "category": "IM", "intent": {"url": "action.system.home"}}}),
    with_body("ios", notification={"ios": {"alert": {"title": "x"}, "badge": "+1", "content-available": True}}),
    with_options(third_party_channel={"oppo": {"distribution": "secondary_push", "channel_id": "c"}}),
    with_options(multi_language={"en": {"content": "x"}}, big_push_duration=1440, plan_id="Plan_1", unknown_option=1),
    {**push_request(), "from": "push", "request_id": "r1", "custom_args": "text"},
]


@pytest.mark.parametrize(("request_body", "status", "code"), REFUSED)
def test_a_malformed_push_gets_its_documented_code(sandbox: Sandbox, request_body, status, code):
    """The code and the HTTP status are those of the reference; nothing is delivered; validate says the same."""
    for path in ("/v4/push", "/v4/push/validate"):
        answer = sandbox.call(path, request_body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    counts = sandbox.counts()
    assert counts["errors"] == {str(code): 2}
    assert counts["deliveries"] == 0


@pytest.mark.parametrize("request_body", ACCEPTED)
def test_every_form_of_push_is_taken(sandbox: Sandbox, request_body):
    """The answer carries a decimal msg_id as a string and the request_id."""
    answer = sandbox.call("/v4/push", request_body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["msg_id"].isdigit()
    assert answer.json()["request_id"] == request_body.get("request_id", "")
    assert sandbox.counts()["deliveries"] >= 1


def test_a_body_that_is_not_json_is_21003(sandbox: Sandbox):
    """And it costs its unit."""
    answer = sandbox.http.post("/v4/push", content=b"{nonsense")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 21003)
    assert sandbox.counts()["units_admitted"] == 1


def test_validate_delivers_nothing(sandbox: Sandbox):
    """It returns a msg_id that cannot be recalled and does not remember the cid."""
    answer = sandbox.call("/v4/push/validate", push_request(cid="c1"))
    assert answer.json()["msg_id"].isdigit()
    assert sandbox.counts()["deliveries"] == 0
    assert sandbox.call(f"/v4/push/withdraw/{answer.json()['msg_id']}", None, "DELETE").status_code == 400
    assert sandbox.push(cid="c1").json()["msg_id"] != answer.json()["msg_id"]


def test_a_list_push_reaches_the_known_ids_or_is_refused(sandbox: Sandbox):
    """What happens to a list with some unknown ids is undocumented, so it is a setting."""
    mixed = {"registration_id": ["rid1", "nobody", "rid2"]}
    assert sandbox.push(mixed).status_code == 200
    assert [row["device"] for row in sandbox.deliveries()["deliveries"]] == ["rid1", "rid2"]
    sandbox.settings(list_unknown="refuse")
    assert sandbox.push(mixed).json()["error"]["code"] == 20101


@pytest.mark.parametrize(("choice", "status", "code"), [("21036", 400, 21036), ("21306", 401, 21306)])
def test_the_code_of_a_mixed_payload_can_be_chosen(sandbox: Sandbox, choice, status, code):
    """The documentation and the field disagree."""
    sandbox.settings(mixed_payload=choice)
    answer = sandbox.call("/v4/push", with_body(notification=TEXT, message={"msg_content": "x"}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_other_switches_of_the_rules(sandbox: Sandbox):
    """Mixed payloads allowed, any alias, unknown fields refused, no certificate."""
    sandbox.settings(mixed_payload="allow", alias_charset="any", unknown_fields="refuse", p8_certificate="off")
    assert sandbox.call("/v4/push", with_body(notification=TEXT, message={"msg_content": "x"})).status_code == 200
    assert sandbox.push({"alias": ["user-1@shop"]}).status_code == 200
    assert sandbox.call("/v4/push", with_options(brand_new=1)).json()["error"]["code"] == 21015
    assert sandbox.call("/v4/push", with_body("ios", live_activity=START)).json()["error"]["code"] == 21055


def test_an_override_needs_a_push_of_the_last_day(sandbox: Sandbox):
    """Effective one day, then 1003."""
    msg_id = int(sandbox.push().json()["msg_id"])
    assert sandbox.push(override_msg_id=msg_id).status_code == 200
    sandbox.advance(86_401)
    assert sandbox.push(override_msg_id=msg_id).json()["error"]["code"] == 1003


def test_recall_works_once_within_a_day(sandbox: Sandbox):
    """A second recall, an unknown id and an old push are refused with 21003."""
    recall = lambda msg_id: sandbox.call(f"/v4/push/withdraw/{msg_id}", None, "DELETE")  # noqa: E731 - one line, thrice
    first, old = (sandbox.push().json()["msg_id"] for _ in range(2))
    batch_id = sandbox.batch("rid7")["results"]["rid7"]["msg_id"]
    assert recall(first).json() == {"request_id": "", "msg_id": first}
    assert recall(batch_id).status_code == 200
    sandbox.advance(86_401)
    for msg_id in (first, old, "123", "x"):
        assert (recall(msg_id).status_code, recall(msg_id).json()["error"]["code"]) == (400, 21003)
    assert sandbox.counts()["withdrawn"] == 2
