"""What is written is what is read: ids, slots, entries."""

from hypothesis import given
from hypothesis import strategies as st

from producers import ids
from producers.entry import Entry, MalformedEntry, read_entry
from producers.outcomes import Slot, State, unpack_slot

buckets = st.text(ids.ALPHABET, min_size=12, max_size=12)
indexes = st.integers(0, ids.BUCKET_SLOTS - 1)
times = st.integers(0, 2**44 - 1)
targets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(buckets, indexes)
def test_a_slot_reference_reads_back(bucket: str, index: int) -> None:
    """Bucket and index."""
    assert ids.read_ref(ids.make_ref(bucket, index)) == (bucket, index)


@given(buckets, st.integers(0, 4_000), st.integers(1, 96), st.integers(10**12, 3 * 10**12))
def test_random_ids_name_their_slots_and_sort(bucket: str, first: int, count: int, now_ms: int) -> None:
    """By slot, and by time."""
    run = ids.SlotRun(bucket, first, count)
    found = run.push_ids(now_ms)
    assert [ids.read_ref(ids.slot_ref(each)) for each in found] == [(bucket, first + i) for i in range(count)]
    assert found == sorted(found)
    assert found[-1] < ids.SlotRun(bucket, 0, 1).push_ids(now_ms + 1)[0]
    assert all(ids.is_push_id(each) and not ids.is_derived(each) for each in found)


@given(st.text(max_size=30))
def test_what_is_a_push_id_names_a_slot_or_is_derived(text: str) -> None:
    """No id passes the check and fails the look-up."""
    for value in (text, text.ljust(24, "z")[:24]):
        if ids.is_push_id(value) and not ids.is_derived(value):
            ids.read_ref(ids.slot_ref(value))


@given(st.text(max_size=20), keys, st.text(max_size=20), keys)
def test_derived_ids_differ_where_app_or_key_differ(app: str, key: str, other_app: str, other_key: str) -> None:
    """And only there; app names hold no control characters."""
    app, other_app = app.replace("\0", ""), other_app.replace("\0", "")
    one, other = (
        ids.derive_push_id(a.encode(errors="replace").decode(), k) for a, k in ((app, key), (other_app, other_key))
    )
    assert ids.is_push_id(one)
    assert ids.is_derived(one)
    if (app, key) == (other_app, other_key):
        assert one == other


entries = st.builds(
    lambda bucket, index, now, target, body, expires, attempts, sent, first, spent, queued, sensitive: Entry(
        ids.SlotRun(bucket, index, 1).push_ids(now)[0],
        target,
        body,
        expires,
        ids.make_ref(bucket, index),
        attempts,
        sent,
        first,
        spent,
        queued,
        sensitive,
    ),
    buckets,
    indexes,
    st.integers(10**12, 10**13),
    targets,
    st.binary(min_size=1, max_size=40),
    times,
    st.integers(0, 99),
    st.booleans(),
    times,
    st.integers(0, 99),
    times,
    st.booleans(),
)


@given(entries)
def test_an_entry_reads_back(entry: Entry) -> None:
    """With its trail, and without one as a first send."""
    assert read_entry(entry.header(), entry.body, entry.trail()) == entry
    fresh = entry._replace(attempts=0, spent=0, maybe_sent=False, first_attempt_at_ms=0, queued_at_ms=0)
    assert read_entry(entry.header(), entry.body) == fresh
    assert len(entry.trail()) == 42


@given(entries, buckets, indexes, keys)
def test_a_derived_entry_takes_its_slot_from_its_trail(entry: Entry, bucket: str, index: int, key: str) -> None:
    """Its id names none."""
    ref = ids.make_ref(bucket, index)
    derived = Entry(ids.derive_push_id("shop", key), entry.target, entry.body, entry.expires_at_ms, ref)
    assert read_entry(derived.header(), derived.body, derived.trail()) == derived


@given(st.binary(max_size=80), st.binary(max_size=10), st.binary(max_size=40))
def test_whatever_stands_in_a_stream_is_read_or_refused(header: bytes, body: bytes, trail: bytes) -> None:
    """With one kind of error; what is read writes the same header."""
    try:
        entry = read_entry(header, body, trail)
    except MalformedEntry:
        return
    assert entry.header() == header
    ids.read_ref(entry.ref)


@given(
    st.sampled_from([state for state in State if state <= State.PURGED]),
    st.integers(0, 255),
    st.integers(0, 65_535),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
)
def test_a_slot_reads_back(state: State, attempts: int, code: int, msg_id: int, at_seconds: int) -> None:
    """In sixteen bytes."""
    slot = Slot(state, attempts, code, msg_id, at_seconds)
    assert len(slot.pack()) == 16
    assert unpack_slot(slot.pack()) == slot


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 2**70))
def test_numbers_that_do_not_fit_are_held_at_their_limit(attempts: int, code: int, msg_id: int) -> None:
    """A strange answer of the vendor never stops a settlement."""
    slot = unpack_slot(Slot(State.ACCEPTED, attempts, code, msg_id, 1).pack())
    assert slot.attempts == min(attempts, 255)
    assert slot.code == min(code, 65_535)
    assert slot.msg_id == (msg_id if msg_id < 2**64 else 0)


@given(st.binary(max_size=15))
def test_a_short_slot_is_absent(raw: bytes) -> None:
    """As a bucket that was never written so far."""
    assert unpack_slot(raw) == Slot(State.ABSENT)
