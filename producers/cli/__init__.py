"""`pushctl`: the verbs of `Producer` on the command line. Needs the extra [cli].

Exit codes: 0 done; 1 refused or failed, or `--wait` saw another outcome than *accepted*; 2 wrong usage. With `--json`
there is exactly one JSON object on stdout, errors included; its `ok` is true exactly when the exit code is 0. Without
it, results go to stdout and errors to stderr.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec

from .output import USAGE, show_failure

NEEDS_EXTRA = "the extra [cli] is not installed: pip install 'engagelab-push-worker[cli]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (default: that of this process) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not all(map(find_spec, ("typer", "rich"))):
        return show_failure({"error": "MissingExtra", "message": NEEDS_EXTRA}, USAGE, as_json="--json" in words)
    from .run import run

    return run(words)
