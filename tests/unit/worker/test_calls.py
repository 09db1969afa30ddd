"""Which request a lease becomes: endpoint, body and credentials by kind and mode."""

import json
from base64 import b64decode
from typing import Any

import httpx
import pytest

from producers.contract import Kind
from producers.entry import Entry
from worker.api import BatchAnswer, ErrorClass, PushApi, SingleAnswer
from worker.calls import NO_GROUP, Caller

NOW = 1_800_000_000_000
REF = "0123456789ab000"
SINGLE = b'{"to":{"tag":["a"]},"request_id":"r","body":{"platform":"all","options":{"cid":"c"}}}'


class Vendor:
    """Takes every request in memory, and remembers it."""

    def __init__(self, status: int = 200, answer: dict[str, Any] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.status = status
        self.answer = answer or {"msg_id": "7"}

    def api(self, user: str) -> PushApi:
        """A client that reaches only this vendor."""
        transport = httpx.MockTransport(self._take)
        return PushApi(user, "s3cr3ts3cr3t", base_url="http://vendor", transport=transport)

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, json=self.answer)

    @property
    def path(self) -> str:
        """The path of the last request."""
        return self.requests[-1].url.path

    @property
    def body(self) -> Any:
        """The JSON of the last request."""
        return json.loads(self.requests[-1].content)

    @property
    def user(self) -> str:
        """Who the last request came from."""
        return b64decode(self.requests[-1].headers["authorization"].split()[1]).decode().partition(":")[0]


def item(target: str, **members: Any) -> Entry:
    """A batch item as it waits in a lane."""
    body = {"target": target, **members, "platform": "android", "options": {"cid": "c"}}
    return Entry("1mcc5rm00" + REF, target, json.dumps(body).encode(), NOW + 1_000, REF)


def whole(body: bytes = SINGLE, **fields: Any) -> Entry:
    """A push to an audience as it waits in a lane."""
    return Entry("1mcc5rm00" + REF, "-", body, NOW + 1_000, REF, **fields)


@pytest.mark.parametrize(("kind", "path"), [(Kind.REGID, "/v4/batch/push/regid"), (Kind.ALIAS, "/v4/batch/push/alias")])
def test_a_batch_joins_the_items_as_they_were_encoded(kind: Kind, path: str) -> None:
    """One request for all of them, and the results by target."""
    vendor = Vendor(answer={"results": {"a": {"target": "a", "success": True, "msg_id": 5}}})
    entries = [item("a"), item("b", custom_args="x")]
    answer = Caller(vendor.api("app")).call(kind, entries, NOW)
    assert (vendor.path, vendor.body) == (path, {"requests": [json.loads(entry.body) for entry in entries]})
    assert isinstance(answer, BatchAnswer)
    assert answer.results.keys() == {"a"}


@pytest.mark.parametrize(
    ("kind", "path", "user"),
    [
        (Kind.SINGLE, "/v4/push", "app"),
        (Kind.VALIDATE, "/v4/push/validate", "app"),
        (Kind.GROUP, "/v4/grouppush", "group-g"),
    ],
)
def test_what_goes_singly_goes_out_byte_by_byte(kind: Kind, path: str, user: str) -> None:
    """To the endpoint and with the credentials of its kind."""
    vendor = Vendor(answer={"msg_id": "7", "group_msgid": "7"})
    Caller(vendor.api("app"), vendor.api("group-g")).call(kind, [whole()], NOW)
    assert (vendor.path, vendor.user, vendor.requests[0].content) == (path, user, SINGLE)


def test_the_time_to_live_is_shortened_by_the_wait() -> None:
    """By whole seconds, from when it was enqueued."""
    vendor = Vendor()
    body = b'{"to":"all","request_id":"r","body":{"options":{"cid":"c","time_to_live":600}}}'
    Caller(vendor.api("app")).call(Kind.SINGLE, [whole(body, queued_at_ms=NOW - 90_500)], NOW)
    assert vendor.body["body"]["options"]["time_to_live"] == 510


def test_without_group_credentials_a_group_push_is_refused_and_nothing_is_called() -> None:
    """It was stored while another worker had them."""
    vendor = Vendor()
    answer = Caller(vendor.api("app")).call(Kind.GROUP, [whole()], NOW)
    assert isinstance(answer, SingleAnswer)
    assert (answer.fault, vendor.requests) == (NO_GROUP, [])


@pytest.mark.parametrize(("kind", "audience"), [(Kind.REGID, "registration_id"), (Kind.ALIAS, "alias")])
def test_in_validate_mode_an_item_becomes_a_push_of_its_own(kind: Kind, audience: str) -> None:
    """The validate endpoint takes no items: the target becomes the audience, custom arguments go one level up."""
    vendor = Vendor()
    entry = item("a", custom_args={"n": 1})
    Caller(vendor.api("app"), validate_only=True).call(kind, [entry], NOW)
    assert vendor.path == "/v4/push/validate"
    assert vendor.body == {
        "to": {audience: ["a"]},
        "request_id": entry.push_id,
        "custom_args": {"n": 1},
        "body": {"platform": "android", "options": {"cid": "c"}},
    }


@pytest.mark.parametrize("kind", [Kind.SINGLE, Kind.GROUP])
def test_in_validate_mode_nothing_goes_to_an_endpoint_that_sends(kind: Kind) -> None:
    """Neither to an audience nor to a group."""
    vendor = Vendor()
    Caller(vendor.api("app"), vendor.api("group-g"), validate_only=True).call(kind, [whole()], NOW)
    assert (vendor.path, vendor.user, vendor.requests[0].content) == ("/v4/push/validate", "app", SINGLE)


def test_a_probe_asks_the_validate_endpoint_and_hears_of_the_credentials() -> None:
    """Nothing is sent by asking."""
    vendor = Vendor(401, {"error": {"code": 21004, "message": "refused"}})
    fault = Caller(vendor.api("app")).probe()
    assert fault is not None
    assert (fault.kind, vendor.path) == (ErrorClass.CREDENTIAL, "/v4/push/validate")


@pytest.mark.parametrize(
    ("codes", "kind", "maybe_sent"),
    [((21003, 21030), ErrorClass.TRANSIENT, True), ((21004, 21003), ErrorClass.CREDENTIAL, False)],
)
def test_a_group_push_that_any_app_may_have_sent_is_never_called_refused(
    codes: tuple[int, int], kind: ErrorClass, maybe_sent: bool
) -> None:
    """No app accepted it: what may have had an effect counts more than what certainly had none."""
    vendor = Vendor(answer={f"app{code}": {"error": {"code": code, "message": "no"}} for code in codes})
    answer = Caller(vendor.api("app"), vendor.api("group-g")).call(Kind.GROUP, [whole()], NOW)
    assert answer.fault is not None
    assert (answer.fault.kind, answer.fault.maybe_sent) == (kind, maybe_sent)
