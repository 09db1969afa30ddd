"""Where the API lives, for the direct client; the data centres themselves are in `producers.requests.address`."""

from typing import Final

from producers.requests.address import Region

REGIONS: Final[dict[str, str]] = {region.value: region.base_url for region in Region}
"""Base URL by region."""


def base_url_of(region: str) -> str:
    """Give the base URL of a region.

    Raises:
        ValueError: the region does not exist; the message lists those that do.
    """
    try:
        return REGIONS[region]
    except KeyError:
        raise ValueError(f"region: {region!r} is unknown, use one of {', '.join(REGIONS)}") from None
