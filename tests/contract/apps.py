"""What a worker tells of its apps, written the way a worker writes it."""

from collections.abc import Mapping

import redis

from producers import keys

APP = "shop"
PROFILE: Mapping[str, str | int] = {
    "apns_production": "1",
    "urgent_max_age_ms": 600_000,
    "transactional_max_age_ms": 86_400_000,
    "outcome_seconds": 90_000,
}


def register(client: redis.Redis, app: str = APP) -> None:
    """Make `app` known to producers."""
    client.hset(keys.profile(app), mapping=dict(PROFILE.items()))
    client.sadd(keys.APPS, app)
