"""Order statistics by nearest rank."""

import pytest

from benchmarks.percentiles import median, percentile


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.1, 100), (100, 100)])
def test_a_percentile_is_a_sample_and_the_order_does_not_matter(percent, value):
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_of_few_samples_the_99th_percentile_is_the_largest():
    assert percentile([3.0, 9.0, 1.0], 99) == 9.0


def test_the_median_of_an_even_number_is_the_lower_one():
    assert median([4, 1, 3, 2]) == 2


@pytest.mark.parametrize(("samples", "percent"), [([], 50), ([1.0], -1), ([1.0], 101)])
def test_nothing_is_made_up(samples, percent):
    with pytest.raises(ValueError, match=r"sample|percent"):
        percentile(samples, percent)
