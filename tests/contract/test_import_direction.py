"""Imports point one way; import-linter holds the rules, in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports_command as run; run()"


def test_no_contract_of_the_import_direction_is_broken():
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout
