import base64
import pickle
import threading

import httpx
import pytest

from worker.api import Endpoint, ErrorClass, PushApi
from worker.api.credentials import Credentials
from worker.api.exchange import UNSENT_ATTEMPTS, UNSENT_WAIT_MAX_SECONDS
from worker.api.transport import AnswerLost, RequestNotSent

RID = "1507bfd3f7c2a912345"
OTHER = "1507bfd3f7c2a967890"


def test_a_batch_goes_out_as_given_with_the_documented_headers(api, vendor, app_key, secret):
    vendor.says({"results": {RID: {"success": True, "msg_id": 5}}})
    answer = api.batch(Endpoint.BATCH_REGID, b'{"requests":[]}', [RID])
    assert (answer.fault, answer.results[RID].msg_id, answer.status, answer.throttled) == (None, "5", 200, False)
    assert (vendor.last.method, vendor.last.url.path) == ("POST", "/v4/batch/push/regid")
    assert vendor.last.content == b'{"requests":[]}'
    token = base64.b64encode(f"{app_key}:{secret}".encode()).decode()
    assert vendor.last.headers["Authorization"] == f"Basic {token}"
    assert vendor.last.headers["Content-Type"].startswith("application/json")


def test_a_single_push_gives_its_msg_id(api, vendor):
    vendor.says({"request_id": "r", "msg_id": "9"})
    answer = api.single(b"{}")
    assert (answer.fault, answer.msg_id, answer.status) == (None, "9", 200)
    assert vendor.last.url.path == "/v4/push"


def test_validation_goes_to_its_own_path(api, vendor):
    vendor.says({"msg_id": "9"})
    assert api.single(b"{}", endpoint=Endpoint.VALIDATE).fault is None
    assert vendor.last.url.path == "/v4/push/validate"


def test_a_refusal_is_returned_and_names_no_target_and_no_key(api, vendor, app_key, secret):
    vendor.says({"error": {"code": 20101, "message": f"{RID} of {app_key} {secret}"}}, status=400)
    answer = api.single(b"{}", targets=[RID])
    assert answer.fault.kind is ErrorClass.TARGET
    assert not any(text in answer.fault.message for text in (RID, app_key, secret))


def test_a_batch_refused_as_a_whole_has_no_results(api, vendor):
    vendor.says({"error": {"code": 23008, "message": "limit"}}, status=400)
    answer = api.batch(Endpoint.BATCH_ALIAS, b"{}", [RID])
    assert (answer.fault.kind, answer.results, answer.throttled) == (ErrorClass.THROTTLED, {}, True)
    assert vendor.last.url.path == "/v4/batch/push/alias"


@pytest.mark.parametrize(
    "error",
    [RequestNotSent("x"), httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")],
)
def test_what_never_left_is_tried_again_within_the_call(api, vendor, slept, error):
    vendor.says({"msg_id": "9"})
    vendor.errors = [error, error]
    assert api.single(b"{}").msg_id == "9"
    assert len(slept) == 2
    assert all(0 <= wait <= UNSENT_WAIT_MAX_SECONDS for wait in slept)


def test_what_never_left_is_given_up_after_a_few_tries(api, vendor, slept, secret):
    vendor.errors = [httpx.ConnectError(f"refused {secret}")] * 10
    answer = api.single(b"{}")
    assert (answer.fault.kind, answer.fault.maybe_sent, answer.status) == (ErrorClass.UNSENT, False, None)
    assert len(vendor.requests) == UNSENT_ATTEMPTS
    assert secret not in answer.fault.message


@pytest.mark.parametrize(
    "error",
    [AnswerLost("x"), httpx.ReadTimeout("x"), httpx.ReadError("x"), httpx.WriteError("x"), httpx.WriteTimeout("x"),
     httpx.RemoteProtocolError("x"), httpx.DecodingError("x")],
)  # fmt: skip
def test_what_may_have_left_is_never_tried_again(api, vendor, slept, error):
    vendor.errors = [error]
    answer = api.batch(Endpoint.BATCH_REGID, b"{}", [RID, OTHER])
    assert (answer.fault.kind, answer.fault.maybe_sent, answer.results) == (ErrorClass.AMBIGUOUS, True, {})
    assert (len(vendor.requests), slept) == (1, [])


@pytest.mark.parametrize("status", [400, 429, 500, 502, 503])
def test_an_answer_is_never_tried_again(api, vendor, status):
    vendor.says(b"", status=status)
    api.single(b"{}")
    assert len(vendor.requests) == 1


def test_the_tries_end_with_the_deadline_of_the_call(vendor):
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += 100

    vendor.errors = [httpx.ConnectError("refused")] * 10
    api = PushApi("k", "s", base_url="http://api.test", transport=vendor.transport, sleep=sleep, clock=lambda: now[0])
    answer = api.single(b"{}")
    api.close()
    assert len(vendor.requests) == 2
    assert answer.elapsed_seconds == 100


def test_every_try_carries_the_same_deadline(vendor):
    vendor.errors = [httpx.ConnectError("refused")]
    api = PushApi("k", "s", base_url="http://api.test", transport=vendor.transport, sleep=lambda _: None,
                  clock=lambda: 50.0, deadline_seconds=4)  # fmt: skip
    api.single(b"{}")
    api.close()
    assert [request.extensions["deadline"] for request in vendor.requests] == [54.0, 54.0]


def test_an_error_without_words_is_named_by_its_kind(api, vendor):
    vendor.errors = [httpx.ReadTimeout("")]
    assert api.single(b"{}").fault.message == "ReadTimeout"


def test_a_redirect_is_not_followed(api, vendor):
    vendor.says(b"", status=302)
    vendor.headers = {"Location": "http://elsewhere.test/"}
    assert api.single(b"{}").fault.kind is ErrorClass.AMBIGUOUS
    assert len(vendor.requests) == 1


def test_threads_share_one_client(vendor):
    vendor.says({"msg_id": "9"})
    api = PushApi("k", "s", base_url="http://api.test", transport=vendor.transport)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(api.single(b"{}"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    api.close()
    assert [answer.msg_id for answer in answers] == ["9"] * 8


@pytest.mark.parametrize(
    "base_url",
    ["", "api.test", "ftp://api.test", "http://", "http://api.test/v4", "http://u:p@api.test", "http://api.test?x=1"],
)
def test_a_base_url_is_a_scheme_and_a_host(base_url):
    with pytest.raises(ValueError, match="base_url: must be like"):
        PushApi("k", "s", base_url=base_url)


@pytest.mark.parametrize(
    ("key", "secret", "named"),
    [("", "s", "app_key"), ("k", "", "master_secret"), ("k:x", "s", "app_key"), ("k", "s\n", "master_secret"),
     (" k", "s", "app_key"), ("k", "sé", "master_secret")],
)  # fmt: skip
def test_credentials_that_no_header_can_carry_are_refused_by_name(key, secret, named):
    with pytest.raises(ValueError, match=f"^{named}: "):
        PushApi(key, secret, base_url="http://api.test")


def test_credentials_show_themselves_to_nobody(secret, app_key):
    credentials = Credentials(app_key, secret)
    assert repr(credentials) == str(credentials) == "Credentials(***)"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(credentials)
    with pytest.raises(TypeError, match="__dict__"):
        vars(credentials)


def test_a_client_does_not_repeat_its_secret(api, secret):
    assert secret not in repr(api) + repr(vars(api)["_exchange"])
