"""The result file: flat, the latest number of each figure, nothing older."""

import json

from benchmarks import results
from benchmarks.figures import Figure

HEADER = {"date": "2026-11-24", "machine": "2 cores"}
OLD: results.Flat = {
    "date": "2026-11-20",
    "gone": 7,
    "rate": 1,
    "rate.date": "2026-11-20",
    "rate.conditions": "before",
    "deep": 0.95,
    "deep.date": "2026-11-20",
    "deep.conditions": "full run",
}


def test_what_was_measured_replaces_what_stood_there():
    flat = results.merged(OLD, HEADER, [Figure("rate", 41_234.56, "now")], ["rate"])
    assert flat == {**HEADER, "rate": 41_235, "rate.date": "2026-11-24", "rate.conditions": "now"}


def test_what_only_a_longer_run_measures_keeps_its_own_date():
    flat = results.merged(OLD, HEADER, [], ["rate", "deep"])
    assert (flat["deep"], flat["deep.date"], flat["date"]) == (0.95, "2026-11-20", "2026-11-24")


def test_a_figure_that_no_longer_exists_or_failed_is_dropped():
    assert "gone" not in results.merged(OLD, HEADER, [], ["rate"])
    assert "deep" not in results.merged(OLD, HEADER, [], ["rate"])


def test_the_file_is_one_flat_object_and_is_replaced_whole(tmp_path):
    path = tmp_path / "results" / "latest.json"
    results.write(path, {"date": "x", "rate": 1})
    results.write(path, {"rate": 2})
    assert json.loads(path.read_text()) == results.read(path) == {"rate": 2}
    assert [entry.name for entry in path.parent.iterdir()] == ["latest.json"]


def test_a_missing_or_foreign_file_holds_nothing(tmp_path):
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    assert [results.read(tmp_path / f"{name}.json") for name in ("none", "list", "broken")] == [{}, {}, {}]
