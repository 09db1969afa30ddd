"""The plan of a lease: every entry in exactly one place, whatever stands in the stream."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from config.delivery import DeliverySettings
from producers import ids
from producers.contract import Kind
from producers.entry import Entry
from worker.planner import POISON_TAKE_OVERS, Lease, Plan, RawEntry, plan_call

NOW = 1_800_000_000_000
SETTINGS = DeliverySettings()

targets = st.sampled_from(["a", "b", "c", "\u4e16\u754c"]) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20
)
times = st.integers(NOW - 4_000_000, NOW + 4_000_000)
refs = st.builds(ids.make_ref, st.text(ids.ALPHABET, min_size=12, max_size=12), st.integers(0, 4095))
entries = st.builds(
    lambda ref, target, body, expires, attempts, sent, first: Entry(
        "1mcc5rm00" + ref, target, body, expires, ref, attempts, sent, first
    ),
    refs,
    targets,
    st.binary(min_size=1, max_size=20),
    times,
    st.integers(0, 99),
    st.booleans(),
    times,
)
raw_entries = entries.flatmap(
    lambda entry: st.sampled_from(
        [RawEntry(entry.header(), entry.body, entry.trail()), RawEntry(entry.header(), entry.body, b"")]
    )
)
junk = st.builds(RawEntry, st.binary(max_size=60), st.binary(max_size=5), st.just(b"") | st.just(b"short"))
leases = st.builds(
    lambda stream, take_overs, listed: Lease("t", stream, NOW - 100, take_overs, len(listed), str(NOW), tuple(listed)),
    st.sampled_from(["lane:urgent:regid", "again:transactional:alias", "lane:transactional:single"]),
    st.sampled_from([0, 1, 2, 3, 3.5, 5, POISON_TAKE_OVERS, 8.9]),
    st.lists(raw_entries | junk, min_size=1, max_size=12),
)
settings_of = st.builds(lambda most: SETTINGS.model_copy(update={"max_batch": most}), st.integers(1, 6))


def places(plan: Plan) -> list[tuple[bytes, bytes]]:
    """Header and body of everything in the plan."""
    read = [*plan.call, *plan.left_over, *plan.too_late, *plan.poison]
    return [(entry.header(), entry.body) for entry in read] + [(raw.header, raw.body) for raw in plan.malformed]


@given(leases, settings_of)
def test_every_entry_is_in_exactly_one_place(lease: Lease, settings: DeliverySettings) -> None:
    """Nothing is lost and nothing invented."""
    plan = plan_call(lease, NOW, settings)
    assert Counter(places(plan)) == Counter((raw.header, raw.body) for raw in lease.entries)


@given(leases, settings_of)
def test_a_call_keeps_to_the_limits_of_its_endpoint(lease: Lease, settings: DeliverySettings) -> None:
    """Its size, and no target twice."""
    plan = plan_call(lease, NOW, settings)
    assert len(plan.call) <= (1 if lease.kind is Kind.SINGLE else settings.max_batch)
    assert len(set([entry.target for entry in plan.call])) == len(plan.call)


@given(leases)
def test_nothing_leaves_after_its_cid_or_after_it_expired(lease: Lease) -> None:
    """Once it may have been sent; and after a take-over everything may have been."""
    for entry in plan_call(lease, NOW, SETTINGS).call:
        assert entry.maybe_sent or not lease.take_overs
        if entry.maybe_sent:
            assert entry.expires_at_ms > NOW
            assert entry.first_attempt_at_ms + SETTINGS.cid_life_ms > NOW


@given(leases)
def test_only_what_may_have_been_sent_becomes_unknown(lease: Lease) -> None:
    """The rest is left to the lease, which drops what expired."""
    assert all(entry.maybe_sent for entry in plan_call(lease, NOW, SETTINGS).too_late)


@given(leases)
def test_a_plan_is_pure(lease: Lease) -> None:
    """A take-over plans what the dead holder planned."""
    assert plan_call(lease, NOW, SETTINGS) == plan_call(lease, NOW, SETTINGS)


@given(leases)
def test_the_first_attempt_is_never_moved_to_a_later_time(lease: Lease) -> None:
    """Or the cid would seem younger than it is."""
    kept: dict[bytes, set[int]] = {}
    for raw in lease.entries:
        kept.setdefault(raw.header, set()).add(int(raw.trail[20:31], 16) if len(raw.trail) == 42 else 0)
    for entry in plan_call(lease, NOW, SETTINGS).call:
        before = kept[entry.header()]
        if lease.take_overs:
            now = lease.first_attempt_at_ms
            assert entry.first_attempt_at_ms in {min(first or now, now) for first in before}
        else:
            assert entry.first_attempt_at_ms in before
