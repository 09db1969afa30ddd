"""Order statistics of a list of measurements. Pure."""

import math
from collections.abc import Sequence


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least `percent` of all samples do not exceed (nearest rank).

    Raises:
        ValueError: no samples, or a percentage outside 0 to 100.
    """
    if not samples:
        raise ValueError("no samples")
    if not 0 <= percent <= 100:
        raise ValueError("percent must be 0 to 100")
    rank = max(1, math.ceil(len(samples) * percent / 100))
    return sorted(samples)[rank - 1]


def median(samples: Sequence[float]) -> float:
    """The middle sample; of an even number the lower of the two in the middle."""
    return percentile(samples, 50)
