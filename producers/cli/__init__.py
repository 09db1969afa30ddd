"""`pushctl`: the verbs of `Producer` on the command line. Needs the extra [cli].

Exit codes: 0 done; 1 refused or failed, or `--wait` saw another outcome than *accepted*; 2 wrong usage. With `--json`
there is exactly one JSON object on stdout, errors included; its `ok` is true exactly when the exit code is 0. Without
it, results go to stdout and errors to stderr.
"""

import sys
from collections.abc import Sequence

from .output import USAGE, show_failure

NEEDS_EXTRA = "pushctl needs the extra [cli]: pip install 'engagelab-push-worker[cli]'"
_EXTRA = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (default: that of this process) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from .run import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        return show_failure({"error": "MissingExtra", "message": NEEDS_EXTRA}, USAGE, as_json="--json" in words)
    return run(words)
