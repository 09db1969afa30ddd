"""Tells producers which apps the workers serve, and what a producer must know of each."""

from config.settings import AppSettings, Settings
from producers import keys
from producers.connection import DeadlineRedis


def register_apps(redis: DeadlineRedis, settings: Settings) -> None:
    """Write the profile of every configured app. Repeating it is harmless; it is repeated with every sweep, so that a
    Redis that lost its data knows the apps again.
    """
    for name, app in settings.apps.items():
        fields = _profile(app, settings)
        redis.call("HSET", keys.profile(name), *[part for pair in fields.items() for part in pair])
        redis.call("SADD", keys.APPS, name)


def _profile(app: AppSettings, settings: Settings) -> dict[str, str | int]:
    numbers = settings.delivery
    environment = "" if app.apns_production is None else str(int(app.apns_production))
    return {
        "apns_production": environment,
        "urgent_max_age_ms": numbers.urgent_max_age_ms,
        "transactional_max_age_ms": numbers.transactional_max_age_ms,
        "outcome_seconds": numbers.outcome_retention_hours * 3600,
        "pending_max": app.pending_max,
        "allows_broadcast": int(app.allow_broadcast),
        "has_group": int(app.group_key is not None),
    }
