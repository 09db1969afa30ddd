"""What the parts of a run share."""

from pathlib import Path

import pytest

from benchmarks.run import Run, Unmeasured, wait_until
from benchmarks.runner import ALL_FIGURES, PARTS
from benchmarks.sends import ITEM_BYTES, batch_item, models, registration_ids


@pytest.fixture
def run() -> Run:
    return Run(Path("unused"), scale=0.1)


def test_sizes_follow_the_scale_but_never_fall_below_the_least(run):
    assert (run.size(1_000), run.size(50, 20)) == (100, 20)


def test_a_ratio_needs_both_sides_from_the_same_run(run):
    run.record("ours", 30.0, "")
    run.record_ratio("ratio", "ours", "theirs", "")
    assert "ratio" not in run.figures
    run.record("theirs", 10.0, "")
    run.record_ratio("ratio", "ours", "theirs", "")
    assert run.figures["ratio"].value == 3.0


def test_waiting_has_an_end():
    with pytest.raises(Unmeasured, match="the moon"):
        wait_until(lambda: False, 0.0, "the moon")


def test_no_two_figures_share_a_name_and_the_head_of_the_file_is_not_one():
    names = [spec.name for spec in ALL_FIGURES]
    assert len(names) == len(set(names))
    assert not {"date", "machine", "python"} & set(names)


def test_only_long_parts_are_left_out_of_the_short_run():
    assert [name for name, part in PARTS.items() if part.is_long] == ["depth", "cpu"]


def test_an_item_is_as_long_as_the_figures_say():
    assert len(batch_item(next(registration_ids(1)), "c" * 24)) == ITEM_BYTES == 300


def test_every_send_has_a_device_and_a_content_of_its_own():
    sends = list(models(3, first=5))
    assert len({send.registration_id for send in sends}) == 3
    assert len({str(send.notification) for send in sends}) == 3
