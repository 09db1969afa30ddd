"""Python as a process of its own, where a test must see a fresh start."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def run_python(
    code: str,
    *arguments: str,
    python: Path | str = sys.executable,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Any:
    """Run `code`, which prints one JSON value, and return that value. Warnings are errors there too."""
    done = subprocess.run(
        [str(python), "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env=None if env is None else dict(env),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
