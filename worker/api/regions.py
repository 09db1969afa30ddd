"""Where the API lives. Data centres are isolated from each other: an AppKey exists in exactly one.

Source: REST API overview (sgp, usva, defra, hk: grade A) and the SDKs (jpn, bra: grade B).
"""

from typing import Final

REGIONS: Final[dict[str, str]] = {
    "sgp": "https://pushapi-sgp.engagelab.com",
    "usva": "https://pushapi-usva.engagelab.com",
    "defra": "https://pushapi-defra.engagelab.com",
    "hk": "https://pushapi-hk.engagelab.com",
    "jpn": "https://pushapi-jpn.engagelab.com",
    "bra": "https://pushapi-bra.engagelab.com",
}


def base_url_of(region: str) -> str:
    """Give the base URL of a region.

    Raises:
        ValueError: the region does not exist; the message lists those that do.
    """
    try:
        return REGIONS[region]
    except KeyError:
        raise ValueError(f"region: {region!r} is unknown, use one of {', '.join(REGIONS)}") from None
