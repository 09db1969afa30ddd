"""Whether a failed push is tried again, and when. Pure; the numbers come from `DeliverySettings`."""

from dataclasses import dataclass
from random import Random

from config.delivery import DeliverySettings
from producers.entry import Entry

from .api import ErrorClass, Fault

THROTTLED_DELAY_MS = 500
CREDENTIAL_DELAY_MS = 1_000
"""Short: it is the closed gate that keeps these pushes back, and only from the holders of the refused credentials."""
BENCH_DELAY_MS = 500
"""Another worker may have them soon; the one that was refused stands aside itself."""


@dataclass(frozen=True, slots=True)
class Again:
    """The push goes back, due in `delay_ms`; `entry` carries what the attempt changed."""

    entry: Entry
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The API refused this push for good."""

    entry: Entry
    code: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """The push may have been sent, and nothing more can be learnt safely."""

    entry: Entry
    code: int


@dataclass(frozen=True, slots=True)
class Dead:
    """Attempts or time are used up, and the push was certainly never sent."""

    entry: Entry
    code: int


Verdict = Again | Rejected | Unknown | Dead

_WITHOUT_ATTEMPT = {
    ErrorClass.THROTTLED: THROTTLED_DELAY_MS,
    ErrorClass.CREDENTIAL: CREDENTIAL_DELAY_MS,
    ErrorClass.BENCH: BENCH_DELAY_MS,
}
_REFUSED = (ErrorClass.PERMANENT, ErrorClass.TARGET, ErrorClass.SETUP)


def judge(
    entry: Entry, fault: Fault, *, first_attempt_at_ms: int, now_ms: int, settings: DeliverySettings, rng: Random
) -> Verdict:
    """What follows from `fault` for a push whose lease began at `first_attempt_at_ms`.

    Throttling, refused credentials and a benched worker spend no attempt. Whatever may have been sent ends only as
    accepted, rejected or unknown.
    """
    code = fault.code or 0
    if fault.kind in _REFUSED:
        return Rejected(
            entry.tried(
                attempts=entry.attempts + 1, maybe_sent=entry.maybe_sent, first_attempt_at_ms=entry.first_attempt_at_ms
            ),
            code,
        )
    if fault.kind in _WITHOUT_ATTEMPT:
        return Again(entry, round(_WITHOUT_ATTEMPT[fault.kind] * rng.uniform(1.0, 1.5)))
    tried = entry.tried(
        attempts=entry.attempts + 1,
        maybe_sent=entry.maybe_sent or fault.maybe_sent,
        first_attempt_at_ms=entry.first_attempt_at_ms or first_attempt_at_ms,
    )
    delay_ms = backoff_ms(tried.attempts, fault.kind, settings, rng)
    if may_try_again(tried, now_ms + delay_ms, settings):
        return Again(tried, delay_ms)
    return Unknown(tried, code) if tried.maybe_sent else Dead(tried, code)


def backoff_ms(attempts: int, kind: ErrorClass, settings: DeliverySettings, rng: Random) -> int:
    """Delay before attempt `attempts + 1`: doubling, capped, jittered down to a half; ambiguous answers wait longer."""
    full = min(settings.retry_cap_ms, settings.retry_base_ms << min(attempts - 1, 30))
    delay = full * rng.uniform(0.5, 1.0)
    if kind is ErrorClass.AMBIGUOUS:
        delay = max(delay, settings.ambiguous_delay_ms * rng.uniform(1.0, 1.2))
    return round(delay)


def may_try_again(entry: Entry, due_ms: int, settings: DeliverySettings) -> bool:
    """Whether attempts, total time and, for what may have been sent, the cid's life and the expiry allow it."""
    within_total = due_ms < entry.first_attempt_at_ms + settings.retry_total_ms
    if entry.attempts >= settings.retry_attempts or not within_total:
        return False
    if not entry.maybe_sent:
        return True
    return due_ms < min(entry.first_attempt_at_ms + settings.cid_life_ms, entry.expires_at_ms)
