"""What `--show` prints is what a worker sends: the same method, URL, headers and body."""

import base64
import json

import httpx
import pytest

from producers.requests import Region
from worker.api import PushApi
from worker.api.client import Endpoint
from worker.api.regions import REGIONS

OF_THE_CONNECTION = {"host", "connection", "content-length"}


@pytest.mark.parametrize(
    ("target", "endpoint"), [("registration-id", Endpoint.BATCH_REGID), ("alias", Endpoint.BATCH_ALIAS)]
)
def test_the_request_is_that_of_a_worker(pushctl, target, endpoint):
    words = ("--app", "shop", f"--{target}", "rid_1", "--alert", "h\u00e9", "--options", '{"time_to_live": 60}')
    assert pushctl("send", *words, "--idempotency-key", "k", "--apns-production", "--show", "--json") == 0
    shown = json.loads(pushctl.out)["request"]
    sent = sent_by_a_worker(endpoint, shown["body"].encode())
    assert (shown["method"], shown["url"]) == (sent.method, str(sent.url))
    authorization = "Basic " + base64.b64encode(b"key:secret").decode()
    shown["headers"]["Authorization"] = authorization
    carried = {name: value for name, value in sent.headers.items() if name not in OF_THE_CONNECTION}
    assert {name.lower(): value for name, value in shown["headers"].items()} == carried


@pytest.mark.parametrize("kind", ["registration-id", "alias"])
def test_the_body_is_what_a_worker_makes_of_the_stored_push(pushctl, kind):
    target = ("--app", "shop", f"--{kind}", "rid_1")
    words = ("send", *target, "--title", "T", "--alert", "h\u00e9", "--idempotency-key", "k")
    assert pushctl(*words) == 0
    (stored,) = pushctl.producer.sent
    _, shown = pushctl.json(*words, "--apns-production", "--show")
    (item,) = json.loads(shown["request"]["body"])["requests"]
    assert (item.pop("target"), item["options"].pop("cid")) == (stored.target, stored.push_id)
    assert item == stored.content


def test_the_regions_are_those_of_the_workers():
    assert {region.value: region.base_url for region in Region} == REGIONS


def sent_by_a_worker(endpoint: Endpoint, body: bytes) -> httpx.Request:
    requests: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"results": {}})

    api = PushApi("key", "secret", base_url=REGIONS["sgp"], transport=httpx.MockTransport(keep))
    api.batch(endpoint, body, ["rid_1"])
    api.close()
    return requests[0]
