import pickle

import pytest

from producers.errors import shortened
from worker.api import errors
from worker.api.errors import ApiError, ErrorClass, Fault, api_error, judged
from worker.api.redaction import MAX_MESSAGE, Scrubber

RID = "1507bfd3f7c2a912345"
NOBODY = Scrubber(())


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (ErrorClass.UNSENT, errors.NotSent),
        (ErrorClass.TRANSIENT, errors.ServiceUnavailable),
        (ErrorClass.THROTTLED, errors.Throttled),
        (ErrorClass.AMBIGUOUS, errors.OutcomeUnknown),
        (ErrorClass.PERMANENT, errors.RequestRefused),
        (ErrorClass.TARGET, errors.TargetRefused),
        (ErrorClass.CREDENTIAL, errors.CredentialsRefused),
        (ErrorClass.BENCH, errors.AddressRefused),
        (ErrorClass.SETUP, errors.AppNotConfigured),
    ],
)
def test_each_class_raises_its_exception_which_names_the_next_step(kind, raised):
    error = api_error(Fault(kind, 21003, 400, "bad value", maybe_sent=False), "POST /v4/push")
    assert type(error) is raised
    assert error.kind is kind
    assert error.next_step in str(error)
    assert (error.status, error.code, error.message, error.maybe_sent) == (400, 21003, "bad value", False)


def test_the_table_above_covers_every_class():
    assert all(isinstance(api_error(Fault(kind, None, None, "", False), "/"), ApiError) for kind in ErrorClass)


def test_the_text_of_an_error_tells_an_answer_from_none():
    lost = api_error(Fault(ErrorClass.AMBIGUOUS, None, None, "reset", maybe_sent=True), "POST /v4/push")
    assert str(lost).startswith("POST /v4/push: no answer: reset. Next: ")
    refused = api_error(Fault(ErrorClass.PERMANENT, 21005, 400, "too large", maybe_sent=False), "POST /v4/push")
    assert str(refused).startswith("POST /v4/push: HTTP 400, code 21005: too large. Next: ")


def test_an_error_survives_pickling():
    error = api_error(Fault(ErrorClass.TARGET, 20101, 400, "invalid", maybe_sent=False), "POST /v4/push")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), again.fault, again.path) == (type(error), error.fault, error.path)


@pytest.mark.parametrize(
    ("code", "status", "maybe"),
    [(21030, 503, True), (None, 504, True), (None, 500, True), (23008, 400, False), (21003, 400, False),
     (20101, 400, False), (21004, 401, False), (23009, 400, False), (None, 401, True)],
)  # fmt: skip
def test_only_an_explicit_refusal_proves_that_nothing_was_sent(code, status, maybe):
    assert judged(code, status, "", NOBODY).maybe_sent is maybe


def test_an_unknown_code_is_flagged_and_worded():
    fault = judged(99999, 400, "", NOBODY)
    assert fault.unknown
    assert fault.message == "not in the vendor's error table"


def test_a_message_is_bounded_whoever_builds_the_fault():
    assert len(Fault(ErrorClass.PERMANENT, 1003, 400, "x" * 999, maybe_sent=False).message) == MAX_MESSAGE


def test_secrets_and_targets_are_kept_out_of_messages():
    scrubber = Scrubber(("topsecret", "token=="), (RID, "alice-in-chains"))
    text = scrubber.clean(f"{RID} and alice-in-chains with topsecret token==", RID)
    assert text == "1507bf… and alice-… with *** ***"


def test_a_target_that_begins_another_leaves_nothing_of_it():
    assert "12345" not in Scrubber((), ("longtarget", "longtarget12345")).clean("no longtarget12345 here")


def test_a_short_alias_is_replaced_as_a_word_only():
    assert Scrubber((), ("re",)).clean("refused: re is required", "re") == "refused: r… is required"


def test_a_message_stays_on_one_line():
    assert Scrubber(()).clean("a\r\nFORGED\x00 b\ud800") == "a  FORGED  b "


def test_a_target_that_a_long_message_ends_in_is_not_left_half_readable():
    target = "T" * 1000
    text = Scrubber((), (target,)).clean(target * 5)
    assert "T" * 10 not in text
    assert len(text) <= MAX_MESSAGE


def test_many_differing_messages_are_withheld_rather_than_scanned():
    scrubber = Scrubber((), (RID,))
    texts = [scrubber.clean(f"number {index}") for index in range(20)]
    assert texts[0] == "number 0"
    assert texts[-1] == "(message withheld)"


@pytest.mark.parametrize("target", ["a", "ab", "abcdef", "abcdefghijkl", RID, "é" * 40])
def test_a_shortened_target_never_shows_most_of_it(target):
    assert target not in shortened(target)
    assert len(shortened(target)) <= max(2, len(target) - 1)
