"""`python -m producers.cli`, for where no `pushctl` is on the PATH."""

import sys

from . import main

sys.exit(main())
