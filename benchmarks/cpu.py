"""CPU time that processes have used so far, as Linux accounts for it."""

import os
from collections.abc import Collection
from pathlib import Path

_GROUP, _USER, _SYSTEM = 2, 11, 12


def cpu_seconds(groups: Collection[int], redis: int | None) -> float | None:
    """User and system seconds of all processes in the process groups, and of one Redis; None where /proc is missing."""
    if not Path("/proc/self/stat").exists():
        return None
    ticks = sum(used for group, used in map(_read, _processes()) if group in groups)
    if redis is not None:
        ticks += _read(Path(f"/proc/{redis}/stat"))[1]
    return ticks / os.sysconf("SC_CLK_TCK")


def _processes() -> list[Path]:
    return [folder / "stat" for folder in Path("/proc").glob("[0-9]*")]


def _read(path: Path) -> tuple[int, int]:
    """Process group and ticks used; nothing for a process that has just ended."""
    try:
        # The name in parentheses may hold spaces; the numbers begin behind it.
        numbers = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0, 0
    return int(numbers[_GROUP]), int(numbers[_USER]) + int(numbers[_SYSTEM])
