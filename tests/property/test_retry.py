"""The retry policy: bounded in number and time, and true to the cid."""

from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from config.delivery import DeliverySettings
from producers.entry import Entry, read_entry
from worker.api import ErrorClass, Fault
from worker.planner import Lease, RawEntry, plan_call
from worker.retry import Again, Dead, Rejected, Unknown, Verdict, backoff_ms, judge

NOW = 1_800_000_000_000
REF = "0123456789ab0zz"
SPENDS_NOTHING = (ErrorClass.THROTTLED, ErrorClass.CREDENTIAL, ErrorClass.BENCH)
REFUSES = (ErrorClass.PERMANENT, ErrorClass.TARGET, ErrorClass.SETUP)
RETRIED = (ErrorClass.UNSENT, ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS)

kinds = st.sampled_from(ErrorClass)
rngs = st.integers().map(Random)
settings_of = st.builds(
    lambda base, cap, attempts, total, ambiguous, cid: DeliverySettings(
        retry_base_ms=base,
        retry_cap_ms=base + cap,
        retry_attempts=attempts,
        retry_total_ms=base + total,
        ambiguous_delay_ms=ambiguous,
        cid_life_ms=cid,
    ),
    st.integers(10, 60_000),
    st.integers(0, 300_000),
    st.integers(1, 99),
    st.integers(1_000, 86_400_000 - 60_000),
    st.integers(0, 60_000),
    st.integers(1_000, 3_500_000),
)
entries = st.builds(
    lambda attempts, sent, first, expires: Entry("1mcc5rm00" + REF, "rid", b"{}", expires, REF, attempts, sent, first),
    st.integers(0, 99),
    st.booleans(),
    st.integers(NOW - 4_000_000, NOW),
    st.integers(NOW - 1_000, NOW + 20_000) | st.integers(NOW, NOW + 90_000_000),
)


def fault_of(kind: ErrorClass) -> Fault:
    """As the error table would say it."""
    return Fault(kind, 21030, 500, "", kind in {ErrorClass.TRANSIENT, ErrorClass.AMBIGUOUS})


def verdict_of(entry: Entry, kind: ErrorClass, settings: DeliverySettings, rng: Random, now: int = NOW) -> Verdict:
    """The verdict for an attempt that began just now."""
    return judge(entry, fault_of(kind), first_attempt_at_ms=now, now_ms=now, settings=settings, rng=rng)


@given(st.integers(1, 200), kinds, settings_of, rngs)
def test_a_delay_lies_between_half_the_step_and_the_step(
    attempts: int, kind: ErrorClass, settings: DeliverySettings, rng: Random
) -> None:
    """Doubling up to the cap; an ambiguous answer waits its own time at least."""
    delay = backoff_ms(attempts, kind, settings, rng)
    step = min(settings.retry_cap_ms, settings.retry_base_ms * 2 ** (attempts - 1))
    least, most = step // 2, step
    if kind is ErrorClass.AMBIGUOUS:
        least, most = max(least, settings.ambiguous_delay_ms), max(most, round(settings.ambiguous_delay_ms * 1.2))
    assert least <= delay <= most


@given(entries, kinds, settings_of, rngs)
def test_what_may_have_been_sent_never_ends_dead(
    entry: Entry, kind: ErrorClass, settings: DeliverySettings, rng: Random
) -> None:
    """It ends accepted, rejected or unknown; and it never forgets that it may have been."""
    verdict = verdict_of(entry, kind, settings, rng)
    may_have_been = entry.maybe_sent or fault_of(kind).maybe_sent
    if may_have_been and kind not in REFUSES:
        assert not isinstance(verdict, Dead)
        assert verdict.entry.maybe_sent
    if not may_have_been:
        assert not isinstance(verdict, Unknown)


@given(entries, st.sampled_from(RETRIED), settings_of, rngs)
def test_no_retry_is_due_after_its_cid_or_its_expiry(
    entry: Entry, kind: ErrorClass, settings: DeliverySettings, rng: Random
) -> None:
    """Once it may have been sent."""
    verdict = verdict_of(entry, kind, settings, rng)
    if isinstance(verdict, Again) and verdict.entry.maybe_sent:
        due = NOW + verdict.delay_ms
        assert due < verdict.entry.first_attempt_at_ms + settings.cid_life_ms
        assert due < entry.expires_at_ms


@given(entries, kinds, settings_of, rngs)
def test_nothing_is_ever_sent_after_its_cid(
    entry: Entry, kind: ErrorClass, settings: DeliverySettings, rng: Random
) -> None:
    """Whatever delayed it, throttling included: the plan of its next lease looks again."""
    verdict = verdict_of(entry, kind, settings, rng)
    assume(isinstance(verdict, Again))
    assert isinstance(verdict, Again)
    again, due = verdict.entry, NOW + verdict.delay_ms
    raw = RawEntry(again.header(), again.body, again.trail())
    plan = plan_call(Lease("t", "again:urgent:regid", due, 0, 1, str(due), (raw,)), due, settings)
    for sent in plan.call:
        assert not sent.maybe_sent or due < min(sent.first_attempt_at_ms + settings.cid_life_ms, sent.expires_at_ms)


@given(entries, st.sampled_from(SPENDS_NOTHING), settings_of, rngs)
def test_waiting_is_no_attempt(entry: Entry, kind: ErrorClass, settings: DeliverySettings, rng: Random) -> None:
    """Throttled, refused credentials, a benched worker: the entry goes back as it was."""
    verdict = verdict_of(entry, kind, settings, rng)
    assert isinstance(verdict, Again)
    assert verdict.entry == entry
    assert verdict.delay_ms >= 500


@given(entries, st.sampled_from(REFUSES), settings_of, rngs)
def test_a_refusal_is_final(entry: Entry, kind: ErrorClass, settings: DeliverySettings, rng: Random) -> None:
    """And counts as an attempt."""
    verdict = verdict_of(entry, kind, settings, rng)
    assert verdict == Rejected(entry._replace(attempts=entry.attempts + 1), 21030)


@given(st.lists(st.sampled_from(RETRIED), min_size=100, max_size=100), settings_of, rngs)
def test_attempts_and_total_time_are_bounded(
    kinds_met: list[ErrorClass], settings: DeliverySettings, rng: Random
) -> None:
    """However a push fails, it comes to an end, through the trail of its stream each time."""
    entry, now, calls = Entry("1mcc5rm00" + REF, "rid", b"{}", NOW + 86_400_000, REF), NOW, 0
    for kind in kinds_met:
        calls += 1
        verdict = verdict_of(entry, kind, settings, rng, now)
        if not isinstance(verdict, Again):
            break
        now += verdict.delay_ms
        entry = read_entry(verdict.entry.header(), b"{}", verdict.entry.trail())
        assert now < NOW + settings.retry_total_ms
        assert entry.first_attempt_at_ms == NOW
    else:
        raise AssertionError("a hundred attempts were not enough")
    assert calls <= settings.retry_attempts
