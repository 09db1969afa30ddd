"""One row per code and status of the reference, written out here a second time on purpose."""

import pytest

from worker.api.codes import TABLE, ErrorClass, classify, judge

T, R, X = ErrorClass.TRANSIENT, ErrorClass.THROTTLED, ErrorClass.AMBIGUOUS
P, D, C = ErrorClass.PERMANENT, ErrorClass.TARGET, ErrorClass.CREDENTIAL

Case = tuple[int | None, int | None, ErrorClass]

DOCUMENTED: list[Case] = [
    (1003, None, P), (1003, 400, P), (20101, 400, D), (21001, 405, P), (21001, 404, P), (21002, 400, P),
    (21003, 400, P), (21004, 401, C), (21005, 400, P), (21008, 400, C), (21009, 400, T), (21011, 400, D),
    (21015, 400, P), (21016, 400, P), (21030, 503, T), (21036, 400, P), (21036, None, P), (21038, 401, C),
    (21050, 400, P), (21051, 400, P), (21052, 400, P), (21053, 400, P), (21054, 400, P),
    (21055, 400, ErrorClass.SETUP), (21056, 400, P), (21057, 400, P), (21058, 400, P), (21059, 401, P),
    (21306, 401, P), (23001, 401, C), (23003, 400, P), (23003, None, P), (23006, 400, P), (23008, 400, R),
    (23008, 429, R), (23008, 200, R), (23009, 400, ErrorClass.BENCH), (27000, 500, T), (27001, 401, C),
    (27002, 400, T), (27002, None, T), (27008, 401, P), (27009, 401, P), (27303, None, P), (27303, 400, P),
    (0, 200, X), (None, 200, X), (None, 400, P), (None, 401, T), (None, 403, T), (None, 404, P), (None, 405, P),
    (None, 408, T), (None, 410, P), (None, 429, R), (None, 500, T), (None, 502, T), (None, 503, T), (None, 504, X),
]  # fmt: skip

ANALOGUE: list[Case] = [
    (8100, 400, P), (8101, 401, C), (8104, 404, P), (8203, 503, T), (8200, 500, T), (7000, 500, T), (7001, 401, C),
    (7002, 400, P), (7004, 401, C), (7008, 400, P), (7013, 400, P), (7030, 503, T), (3001, 401, C), (3004, None, P),
    (3005, None, P),
]  # fmt: skip

UNKNOWN: list[Case] = [
    (99999, 400, P), (99999, 401, P), (99999, 403, P), (99999, 404, P), (99999, 418, P), (99999, 200, P),
    (99999, None, P), (99999, 429, R), (99999, 500, T), (99999, 502, T), (99999, 504, X), (99999, 599, T),
    (99999, 302, X), (None, 402, P), (None, 413, P), (None, 451, P), (None, 501, T), (None, 520, T), (None, 302, X),
    (None, 101, X), (None, 204, X), (None, None, X), (None, 999, X),
]  # fmt: skip


@pytest.mark.parametrize(("code", "status", "kind"), DOCUMENTED + ANALOGUE)
def test_each_documented_code_and_status_has_its_class(code, status, kind):
    assert classify(code, status) is kind
    assert not judge(code, status).unknown


@pytest.mark.parametrize(("code", "status", "kind"), UNKNOWN)
def test_what_the_table_does_not_name_gets_a_class_and_a_flag(code, status, kind):
    assert classify(code, status) is kind
    assert judge(code, status).unknown


def test_the_table_holds_the_documented_rows_and_no_others():
    listed = {code or None for code, _, _ in DOCUMENTED + ANALOGUE}
    assert {row.code or None for row in TABLE} == listed
    statuses = {status for code, status, _ in DOCUMENTED if code is None}
    assert {status for row in TABLE if row.code is None for status in row.statuses} == statuses


def test_every_row_says_what_it_means_and_where_that_comes_from():
    codes = [row.code for row in TABLE if row.code is not None]
    assert len(codes) == len(set(codes))
    assert all(row.meaning and row.grade in {"A", "B", "W", "F", "J", "S"} for row in TABLE)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 503, 504])
def test_the_code_decides_whatever_the_status(status):
    assert classify(21004, status) is C
    assert classify(21005, status) is P
    assert classify(23008, status) is R


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_without_a_vendor_code_does_not_close_a_gate(status):
    for code in (None, 0, status):
        assert classify(code, status) is T
