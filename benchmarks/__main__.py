"""Command line of the figures. `--only` and `--scale` are for trying things out; what they measure is not recorded."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .results import LATEST
from .runner import PARTS, run_parts


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the result file. 0, or 1 if a figure could not be measured."""
    options = _parser().parse_args(arguments)
    wanted = options.only.split(",") if options.only else list(PARTS)
    if unknown := sorted(set(wanted) - set(PARTS)):
        sys.stderr.write(f"no such part: {', '.join(unknown)}; these are: {', '.join(PARTS)}\n")
        return 2
    is_trial = bool(options.only) or options.scale != 1.0
    output = options.output or (None if is_trial else LATEST)
    return run_parts([name for name in PARTS if name in wanted], is_full=options.full, scale=options.scale, path=output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the figures of the README.")
    parser.add_argument("--full", action="store_true", help="the long figures too (about 15 minutes)")
    parser.add_argument("--only", metavar="PART,…", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply all sizes, to try things out")
    parser.add_argument("--output", type=Path, help="write here instead of benchmarks/results/latest.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
