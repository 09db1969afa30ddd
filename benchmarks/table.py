"""The table that a run prints. Pure: rows in, text out."""

from collections.abc import Mapping, Sequence

from .figures import Figure, Spec, number

HEADINGS = ("figure", "value", "target", "met")


def render(specs: Sequence[Spec], figures: Mapping[str, Figure], failures: Mapping[str, str]) -> str:
    """One line per spec that was measured or failed, in order; a figure without a target shows `-`.

    `failures` maps the name of a figure to why there is no number.
    """
    rows = [_row(spec, figures.get(spec.name), failures.get(spec.name, "")) for spec in specs]
    shown = [HEADINGS, *(row for row in rows if row is not None)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(HEADINGS))]
    lines = [_line(row, widths) for row in shown]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _row(spec: Spec, figure: Figure | None, failure: str) -> tuple[str, str, str, str] | None:
    target = str(spec.target) if spec.target else "-"
    if figure is not None:
        met = "-" if spec.target is None else "yes" if spec.target.is_met(figure.value) else "no"
        return spec.label, f"{number(figure.value)} {spec.unit}".rstrip(), target, met
    return (spec.label, "failed", target, "-") if failure else None


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    label, value, target, met = row
    return "  ".join([label.ljust(widths[0]), value.rjust(widths[1]), target.rjust(widths[2]), met.rjust(widths[3])])
