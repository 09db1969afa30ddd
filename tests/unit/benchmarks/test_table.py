"""The printed table says what was measured, what was not, and which targets are missed."""

from benchmarks.figures import Figure, Spec, at_least, at_most
from benchmarks.table import render

SPECS = (
    Spec("rate", "drained", "/s", at_least(35_000)),
    Spec("cost", "cost of one", "µs", at_most(15)),
    Spec("plain", "just a number", "B"),
    Spec("broken", "broken", "s", at_most(1)),
    Spec("skipped", "skipped", "s"),
)
FIGURES = {
    "rate": Figure("rate", 34_000.4, ""),
    "cost": Figure("cost", 12.34, ""),
    "plain": Figure("plain", 393.0, ""),
}


def rows() -> list[list[str]]:
    lines = render(SPECS, FIGURES, {"broken": "no server"}).splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


def test_each_measured_figure_has_a_line_in_order():
    assert rows()[2:5] == [
        ["drained", "34,000 /s", "≥ 35,000", "no"],
        ["cost of one", "12.3 µs", "≤ 15", "yes"],
        ["just a number", "393 B", "-", "-"],
    ]


def test_a_figure_that_failed_is_shown_and_one_that_was_not_tried_is_not():
    assert rows()[5:] == [["broken", "failed", "≤ 1", "-"]]


def test_the_columns_line_up():
    assert len({len(line) for line in render(SPECS, FIGURES, {}).splitlines()}) == 1
