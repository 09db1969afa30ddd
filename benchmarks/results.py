"""The result file: one flat object, figure name → number, with the date and the conditions of each.

A run replaces what it measured. What only `--full` measures keeps its number and its own date until the next full run;
nothing older is kept.
"""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from .figures import Figure, rounded

LATEST = Path(__file__).resolve().parent / "results" / "latest.json"

Flat = dict[str, str | float]


def merged(
    previous: Mapping[str, str | float], header: Mapping[str, str], figures: Collection[Figure], known: Collection[str]
) -> Flat:
    """The new content: `header` (`date`, `machine`, versions), then every known figure, measured now or before."""
    now = {figure.name: figure for figure in figures}
    flat: Flat = dict(header)
    for name in known:
        if name in now:
            flat[name] = rounded(now[name].value)
            flat[f"{name}.date"] = header["date"]
            flat[f"{name}.conditions"] = now[name].conditions
        elif name in previous:
            flat |= {key: previous[key] for key in (name, f"{name}.date", f"{name}.conditions") if key in previous}
    return flat


def read(path: Path) -> Flat:
    """What the file holds; nothing if there is none, or it is not one flat object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write(path: Path, flat: Mapping[str, str | float]) -> None:
    """Replace the file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(flat, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(draft, path)
