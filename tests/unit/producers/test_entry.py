"""The forms of a lane entry that are refused, each with the same error."""

import pytest

from producers.entry import Entry, MalformedEntry, read_entry

REF = "0123456789ab0zz"
PUSH_ID = "1mcc5rm00" + REF
HEADER = b"1" + b"01a3185c500" + PUSH_ID.encode() + b"target"
TRAIL = REF.encode() + b"03" + b"02" + b"1" + b"01a3185c500" + b"01a3185c4ff"


def test_a_good_entry_is_read() -> None:
    """The others below differ from it in one thing each."""
    entry = read_entry(HEADER, b"{}", TRAIL)
    assert entry == Entry(PUSH_ID, "target", b"{}", 0x1A3185C500, REF, 3, True, 0x1A3185C500, 2, 0x1A3185C4FF)


@pytest.mark.parametrize(
    ("header", "body", "trail"),
    [
        pytest.param(b"", b"{}", b"", id="no header"),
        pytest.param(HEADER, b"", b"", id="no body"),
        pytest.param(b"3" + HEADER[1:], b"{}", b"", id="another version"),
        pytest.param(HEADER[:36], b"{}", b"", id="no target"),
        pytest.param(b"1" + b"g" * 11 + HEADER[12:], b"{}", b"", id="expiry not in hex"),
        pytest.param(b"1" + b"01A3185C500" + HEADER[12:], b"{}", b"", id="expiry in capitals"),
        pytest.param(HEADER.replace(b"1mcc", b"zmcc"), b"{}", b"", id="id of neither kind"),
        pytest.param(HEADER.replace(b"0zz", b"4zz"), b"{}", b"", id="slot out of range"),
        pytest.param(HEADER.replace(b"target", b"\xff\xfe"), b"{}", b"", id="target not UTF-8"),
        pytest.param(HEADER, b"{}", TRAIL[:-1], id="trail too short"),
        pytest.param(HEADER, b"{}", TRAIL + b"0", id="trail too long"),
        pytest.param(HEADER, b"{}", TRAIL.replace(b"0zz", b"4zz"), id="trail with a slot out of range"),
        pytest.param(HEADER, b"{}", REF.encode() + b"03022" + b"0" * 22, id="maybe_sent neither 0 nor 1"),
        pytest.param(b"1" + b"0" * 11 + b"k" + b"0" * 23 + b"target", b"{}", b"", id="derived id without a trail"),
    ],
)
def test_a_malformed_entry_is_refused(header: bytes, body: bytes, trail: bytes) -> None:
    """It becomes a dead letter, whatever is wrong with it."""
    with pytest.raises(MalformedEntry):
        read_entry(header, body, trail)


def test_attempts_beyond_the_trail_are_held_at_its_limit() -> None:
    """Two digits are kept."""
    entry = Entry(PUSH_ID, "target", b"{}", 0, REF, 250)
    assert read_entry(entry.header(), b"{}", entry.trail()).attempts == 99


def test_a_target_may_hold_line_ends_and_other_bytes() -> None:
    """The header ends where the field ends."""
    assert read_entry(HEADER[:36] + b"a\nb\xe4\xb8\x96", b"{}").target == "a\nb\u4e16"


def test_a_sensitive_entry_says_so_in_its_header() -> None:
    """So that nobody shows its body."""
    assert read_entry(b"2" + HEADER[1:], b"{}").is_sensitive
    assert not read_entry(HEADER, b"{}").is_sensitive


@pytest.mark.parametrize(("waited_ms", "left"), [(0, 60), (999, 60), (1_000, 59), (59_500, 1), (3_600_000, 1)])
def test_the_time_to_live_shrinks_by_the_time_spent_queueing(waited_ms: int, left: int) -> None:
    """But never to nothing: at 0 the vendor would serve only the devices that are online."""
    body = b'{"options":{"cid":"c","time_to_live":60}}'
    entry = Entry(PUSH_ID, "target", body, 0, REF, queued_at_ms=1_000)
    assert entry.body_at(1_000 + waited_ms) == body.replace(b"60", str(left).encode())


def test_a_body_without_a_time_to_live_goes_out_as_it_is() -> None:
    """And so does one whose time to live is 0."""
    assert Entry(PUSH_ID, "target", b"{}", 0, REF, queued_at_ms=1).body_at(99_000) == b"{}"
    online = b'{"options":{"cid":"c","time_to_live":0}}'
    assert Entry(PUSH_ID, "target", online, 0, REF, queued_at_ms=1).body_at(99_000) == online
