"""Runs the parts one after another, prints the table and writes the result file."""

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import (
    backlog_depth,
    bare_limit,
    coalesced,
    cpu_cost,
    end_to_end,
    enqueue_cost,
    latency,
    memory,
    naive_rate,
    quota_share,
    results,
    script_time,
)
from .figures import Spec
from .machine import describe_run
from .run import Run
from .table import render

BUSY_LOAD = 0.7


@dataclass(frozen=True, slots=True)
class Part:
    """Some figures that are measured together."""

    figures: tuple[Spec, ...]
    measure: Callable[[Run], None]
    is_long: bool = False


PARTS = {
    "naive": Part(naive_rate.FIGURES, naive_rate.measure),
    "coalesced": Part(coalesced.FIGURES, coalesced.measure),
    "bare": Part(bare_limit.FIGURES, bare_limit.measure),
    "end-to-end": Part(end_to_end.FIGURES, end_to_end.measure),
    "enqueue": Part(enqueue_cost.FIGURES, enqueue_cost.measure),
    "latency": Part(latency.FIGURES, latency.measure),
    "memory": Part(memory.FIGURES, memory.measure),
    "scripts": Part(script_time.FIGURES, script_time.measure),
    "quota": Part(quota_share.FIGURES, quota_share.measure),
    "depth": Part(backlog_depth.FIGURES, backlog_depth.measure, is_long=True),
    "cpu": Part(cpu_cost.FIGURES, cpu_cost.measure, is_long=True),
}
"""In the order of measuring: a ratio needs its other side first."""
ALL_FIGURES = tuple(spec for part in PARTS.values() for spec in part.figures)


def run_parts(names: Sequence[str], *, is_full: bool, scale: float = 1.0, path: Path | None = None) -> int:
    """Measure the parts; long ones only with `is_full`. Writes to `path`, if any. 1 if a part failed, else 0."""
    started_at, load = time.monotonic(), os.getloadavg()[0]
    if load > BUSY_LOAD:
        print(f"This machine is busy (load {load:.2f}): rates will be too low, and ratios may be wrong either way.")
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="push-benchmarks-") as directory:
        run = Run(Path(directory), scale=scale, is_full=is_full)
        for name in names:
            if is_full or not PARTS[name].is_long:
                failures |= _measure(name, PARTS[name], run)
    print("\n" + render(ALL_FIGURES, run.figures, failures))
    print(f"\nMeasured in {time.monotonic() - started_at:.0f} s.")
    for failure in dict.fromkeys(failures.values()):
        print(f"Failed: {failure}")
    if path is not None:
        _write(path, run, failures, load)
    return 1 if failures else 0


def _measure(name: str, part: Part, run: Run) -> dict[str, str]:
    """Run one part; a part that fails loses its own figures and stops nothing."""
    began_at = time.monotonic()
    print(f"{name} …", flush=True)
    try:
        part.measure(run)
    # Whatever broke one part is shown and recorded as its failure; the others still have figures to give.
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return {spec.name: f"{name}: {reason}" for spec in part.figures if spec.name not in run.figures}
    print(f"  {time.monotonic() - began_at:.0f} s", flush=True)
    return {}


def _write(path: Path, run: Run, failures: dict[str, str], load: float) -> None:
    known = [spec.name for spec in ALL_FIGURES if spec.name not in failures]
    results.write(path, results.merged(results.read(path), describe_run(load), run.figures.values(), known))
    print(f"Written: {path.name}")
