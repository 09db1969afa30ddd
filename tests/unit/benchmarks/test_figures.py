"""What a figure is held against, and how a number is written."""

import pytest

from benchmarks.figures import about, at_least, at_most, number, rounded


@pytest.mark.parametrize(
    ("target", "met", "missed"),
    [
        (at_least(35_000), (35_000, 50_000), (34_999.9,)),
        (at_most(0.4), (0.4, 0.1), (0.401,)),
        (about(20), (20, 14, 29), (13, 31)),
    ],
)
def test_a_target_is_met_from_its_bound_on(target, met, missed):
    assert all(target.is_met(value) for value in met)
    assert not any(target.is_met(value) for value in missed)


def test_a_target_reads_as_a_bound():
    assert [str(target) for target in (at_least(35_000), at_most(0.4), about(20))] == ["≥ 35,000", "≤ 0.4", "~ 20"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (48_123.4, "48,123"),
        (100, "100"),
        (99.96, "100"),
        (20.13, "20.1"),
        (0.4641, "0.464"),
        (1e-5, "0.000010"),
    ],
)
def test_a_number_shows_three_digits_that_matter(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("value", "kept"), [(48_123.4, 48_123), (0.46414, 0.4641), (1.0, 1), (393.27, 393.3), (0, 0)])
def test_a_recorded_number_keeps_four_digits_and_whole_numbers_whole(value, kept):
    assert rounded(value) == kept
    assert isinstance(rounded(value), type(kept))
