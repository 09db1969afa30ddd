"""`python -m sandbox serve`: see `cli.py` for the options."""

import sys

from sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
