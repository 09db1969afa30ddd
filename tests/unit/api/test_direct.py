import json

import httpx
import pytest

from worker.api import (
    REGIONS,
    ApiError,
    BatchReport,
    CredentialsRefused,
    EngageLabPush,
    NotSent,
    OutcomeUnknown,
    PushAccepted,
    RequestRefused,
    TargetRefused,
    Throttled,
)
from worker.api.regions import base_url_of

RID = "1507bfd3f7c2a912345"
OTHER = "1507bfd3f7c2a967890"
PUSH = {"to": {"registration_id": [RID]}, "body": {"platform": "all", "notification": {"alert": "Grüße"}}}


class Model:
    """Stands for any pydantic model."""

    def model_dump(self, *, by_alias: bool, exclude_none: bool) -> dict:
        assert by_alias
        assert exclude_none
        return dict(PUSH)


@pytest.fixture
def push(vendor, app_key, secret):
    with EngageLabPush(
        app_key, secret, base_url="http://api.test", group_key="gk", group_secret="gs", transport=vendor.transport
    ) as client:
        yield client


@pytest.mark.parametrize("request_", [PUSH, Model()])
def test_a_push_is_accepted(push, vendor, request_):
    vendor.says({"request_id": "r", "msg_id": "9", "more": 1})
    accepted = push.push(request_)
    assert accepted == PushAccepted("9", "r", {"request_id": "r", "msg_id": "9", "more": 1})
    assert json.loads(vendor.last.content) == PUSH
    assert vendor.last.url.path == "/v4/push"


def test_a_validation_sends_nothing(push, vendor):
    vendor.says({"msg_id": "9"})
    push.validate({"to": "all", "body": {}})
    assert vendor.last.url.path == "/v4/push/validate"


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [(400, 21003, RequestRefused), (400, 20101, TargetRefused), (401, 21004, CredentialsRefused),
     (400, 23008, Throttled)],
)  # fmt: skip
def test_a_refusal_raises_what_to_do_next(push, vendor, status, code, raised, secret, app_key):
    vendor.says({"error": {"code": code, "message": f"{RID} {secret} {app_key}"}}, status)
    with pytest.raises(raised) as caught:
        push.push(PUSH)
    assert (caught.value.status, caught.value.code, caught.value.path) == (status, code, "POST /v4/push")
    assert not any(text in str(caught.value) + repr(caught.value) for text in (RID, secret, app_key))


def test_no_connection_raises_not_sent(push, vendor):
    vendor.errors = [httpx.ConnectError("refused")] * 9
    with pytest.raises(NotSent) as caught:
        push.push(PUSH)
    assert not caught.value.maybe_sent


def test_a_lost_answer_raises_outcome_unknown(push, vendor):
    vendor.errors = [httpx.ReadTimeout("late")]
    with pytest.raises(OutcomeUnknown) as caught:
        push.push(PUSH)
    assert caught.value.maybe_sent


@pytest.mark.parametrize(("verb", "path"), [("batch_regid", "regid"), ("batch_alias", "alias")])
def test_a_batch_is_reported_target_by_target(push, vendor, verb, path):
    vendor.says({"results": {RID: {"success": True, "msg_id": 5},
                             "bad": {"success": False, "error": {"code": 20101}}}})  # fmt: skip
    items = [{"target": target, "platform": "all"} for target in (RID, OTHER, "bad")]
    report = getattr(push, verb)(items)
    assert isinstance(report, BatchReport)
    assert report.accepted == {RID: "5"}
    assert report.faults["bad"].code == 20101
    assert report.missing == (OTHER,)
    assert vendor.last.url.path == f"/v4/batch/push/{path}"
    assert json.loads(vendor.last.content) == {"requests": items}
    assert RID not in repr(report)
    assert OTHER not in repr(report)


def test_a_batch_refused_as_a_whole_raises(push, vendor):
    vendor.says({"error": {"code": 21016, "message": "type"}}, 400)
    with pytest.raises(RequestRefused):
        push.batch_regid([{"target": RID}])


def test_results_beside_a_refusal_are_reported_with_it(push, vendor):
    vendor.says({"error": {"code": 23008}, "results": {RID: {"msg_id": 5}}}, 429)
    report = push.batch_regid([{"target": RID}, {"target": OTHER}])
    assert report.fault.code == 23008
    assert (report.accepted, report.missing, report.throttled) == ({RID: "5"}, (OTHER,), True)


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([], "items: 0 given"),
        ([{"target": f"t{n}"} for n in range(501)], "items: 501 given"),
        ([{"target": "a"}, {"platform": "all"}], r"items\[1\].target: must be"),
        ([{"target": "a"}, {"target": "b"}, {"target": "a"}], r"items\[2\].target: the same as in items\[0\]"),
    ],
)
def test_a_batch_that_cannot_be_right_is_not_sent(push, vendor, items, complaint):
    with pytest.raises(ValueError, match=complaint):
        push.batch_alias(items)
    assert vendor.requests == []


def test_a_group_push_uses_its_own_credentials_and_is_reported_app_by_app(push, vendor):
    vendor.says({"group_msgid": "g", "A": {"msg_id": "1", "request_id": "r"},
                 "B": {"error": {"code": 21003, "message": "bad"}}})  # fmt: skip
    report = push.group_push(PUSH)
    assert (report.group_msg_id, report.apps["A"].msg_id, report.apps["B"].fault.code) == ("g", "1", 21003)
    assert vendor.last.url.path == "/v4/grouppush"
    assert vendor.last.headers["Authorization"] == httpx.BasicAuth("group-gk", "gs")._auth_header


def test_a_group_push_refused_as_a_whole_raises(push, vendor):
    vendor.says({"error": {"code": 21004, "message": "gs"}}, 401)
    with pytest.raises(CredentialsRefused) as caught:
        push.group_push({"to": {"alias": "one"}, "body": {}})
    assert caught.value.message == "***"


def test_a_group_push_without_group_credentials_is_not_sent(vendor):
    with (
        EngageLabPush("k", "s", base_url="http://api.test", transport=vendor.transport) as client,
        pytest.raises(ValueError, match="group_key"),
    ):
        client.group_push(PUSH)
    assert vendor.requests == []


def test_group_credentials_come_in_pairs():
    with pytest.raises(ValueError, match="both or none"):
        EngageLabPush("k", "s", group_key="g")


@pytest.mark.parametrize("body", [{"request_id": "", "msg_id": "12"}, b"", b"success"])
def test_a_recall_is_accepted_in_any_form(push, vendor, body):
    vendor.says(body)
    assert push.recall("12").msg_id == "12"
    assert (vendor.last.method, vendor.last.url.path) == ("DELETE", "/v4/push/withdraw/12")


def test_a_recall_of_an_odd_id_stays_one_path_segment(push, vendor):
    vendor.says({"error": {"code": 21003, "message": "msg_id not exist"}}, 400)
    with pytest.raises(RequestRefused) as caught:
        push.recall("../x?y")
    assert vendor.last.url.raw_path == b"/v4/push/withdraw/..%2Fx%3Fy"
    assert caught.value.path == "DELETE /v4/push/withdraw/{msg_id}"


def test_a_recall_needs_an_id(push):
    with pytest.raises(ValueError, match="msg_id"):
        push.recall("")


@pytest.mark.parametrize("value", [{"x": object()}, {"x": float("nan")}, {"x": "\ud800"}])
def test_what_is_not_json_is_not_sent(push, vendor, value):
    with pytest.raises((TypeError, ValueError)):
        push.push(value)
    assert vendor.requests == []


def test_a_region_chooses_the_data_centre():
    assert base_url_of("hk") == "https://pushapi-hk.engagelab.com"
    assert list(REGIONS) == ["sgp", "usva", "defra", "hk", "jpn", "bra"]
    with pytest.raises(ValueError, match="region: 'mars' is unknown, use one of sgp, usva"):
        EngageLabPush("k", "s", region="mars")


def test_every_refusal_is_an_api_error():
    assert issubclass(Throttled, ApiError)
