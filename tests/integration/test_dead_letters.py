"""Letters: found, shown, replayed and purged, with the books in balance after each step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.delivery import DeliverySettings
from producers import ids
from producers.cancelling import cancel_push
from producers.commands import CommandUnanswered
from producers.connection import Unanswered
from producers.contract import Kind, Lane
from producers.dead_letters import DeadLetters, Ending, NoSuchLetter, next_cid
from producers.encoding import cid_of, encode_content, time_to_live_of, with_cid
from producers.entry import Entry, read_entry
from producers.errors import InvalidPush, UnknownApp
from producers.letters import Filter, Letter, Shelf
from producers.outcomes import State
from producers.receipts import Receipt
from tests.lanes_fixture import APP, Bench, batch_answer, fault
from worker.api import BatchAnswer, ErrorClass
from worker.lanes import Leave, Wait
from worker.planner import Lease

MakeBench = Callable[..., Bench]
ONE_TRY = DeliverySettings(retry_attempts=1, transactional_unknown="ask")
MINUTE_MS = 60_000


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """One app that gives up after one attempt, and asks for what is unknown."""
    return make_bench(settings=ONE_TRY)


@pytest.fixture
def dead(bench: Bench) -> DeadLetters:
    """Its dead letters."""
    return DeadLetters(bench.redis, APP)


@pytest.fixture
def asked(bench: Bench) -> DeadLetters:
    """Its pushes with an unknown outcome."""
    return DeadLetters(bench.redis, APP, Shelf.ASKED)


def store(
    bench: Bench, count: int = 1, *, ttl: int | None = None, flags: str = "", key: str = "", **where: Any
) -> list[Receipt]:
    """Store pushes as a producer encodes them."""
    options = {} if ttl is None else {"time_to_live": ttl}
    content = encode_content(notification="hi", platform="android", options=options)
    letters = bench.letters([f"target{bench.counter + index}" for index in range(count)], life_ms=3_600_000)
    bench.counter += count
    for index, letter in enumerate(letters):
        push_id = ids.derive_push_id(APP, key) if key else letter.push_id
        letters[index] = replace(
            letter,
            push_id=push_id,
            body=content.item(letter.target, push_id),
            flags=flags + ("t" if ttl else ""),
            digest="d" * 32 if key else "",
        )
    receipts = bench.write(letters, run=bench.run, **where)
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    return [receipt for receipt in receipts if isinstance(receipt, Receipt)]


def failing(kind: ErrorClass, code: int | None = None) -> Callable[[Sequence[str]], BatchAnswer]:
    """A vendor that fails the whole call."""
    return lambda _: batch_answer(whole=fault(kind, code))


def leases(bench: Bench) -> Iterator[Lease]:
    """All that is to be handed out, waiting where told so."""
    while not isinstance(answer := bench.lease(), Leave):
        if isinstance(answer, Lease):
            yield answer
        elif isinstance(answer, Wait):
            bench.advance(answer.ms)


def lose(
    bench: Bench, count: int = 1, *, how: ErrorClass = ErrorClass.UNSENT, code: int | None = None, **push: Any
) -> list[Receipt]:
    """Pushes that end as letters after one attempt: dead when unsent, asked for when ambiguous."""
    receipts = store(bench, count, **push)
    for lease in leases(bench):
        assert bench.settle(lease, failing(how, code))
    return receipts


def poison(bench: Bench) -> Receipt:
    """A push that ended seven holders of its lease."""
    (receipt,) = store(bench)
    lease = next(leases(bench))
    while lease.take_overs < 7:
        bench.at(bench.now + bench.settings.lease_ms)
        lease = bench.leased()
    assert bench.settle(lease)
    assert bench.state(receipt) is State.DEAD
    return receipt


def only(letters: DeadLetters) -> Letter:
    """The one letter there is."""
    (letter,) = letters.list()
    return letter


def ending(letters: DeadLetters, **options: Any) -> Ending:
    """What becomes of the one letter when it is replayed."""
    (answer,) = letters.replay([only(letters)], **options)
    return answer.ending


def replayed_entry(bench: Bench) -> Entry:
    """The entry that is handed out next."""
    (raw,) = next(leases(bench)).entries
    return read_entry(raw.header, raw.body, raw.trail)


# -- list and show


def test_letters_come_newest_first(bench: Bench, dead: DeadLetters) -> None:
    """With what is known of each."""
    receipts = lose(bench, 3, code=27000) + lose(bench, lane=Lane.URGENT)
    letters = [*dead.list()]
    assert [letter.push_id for letter in letters] == [receipts[3].push_id, *(r.push_id for r in receipts[2::-1])]
    assert [(each.reason, each.code, each.lane, each.kind) for each in letters[:2]] == [
        ("exhausted", 0, Lane.URGENT, Kind.REGID),
        ("exhausted", 27000, Lane.TRANSACTIONAL, Kind.REGID),
    ]
    assert abs(datetime.now(UTC) - letters[0].at) < timedelta(minutes=1)
    assert [each.push_id for each in dead.list(limit=1)] == [receipts[3].push_id]


def test_letters_are_read_in_chunks_as_they_are_asked_for(
    bench: Bench, dead: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, a hundred at a time are in memory."""
    receipts = lose(bench, 250)
    answers: list[int] = []
    call = bench.redis.call

    def counting(*command: Any) -> Any:
        reply = call(*command)
        if command[0] == "XREVRANGE":
            answers.append(len(reply))
        return reply

    monkeypatch.setattr(bench.redis, "call", counting)
    found = dead.list()
    next(found)
    assert answers == [100]
    rest = [letter.push_id for letter in found]
    assert rest == [receipt.push_id for receipt in receipts[-2::-1]]
    assert answers == [100, 100, 50, 0]


def test_filters_hold_together(bench: Bench, dead: DeadLetters) -> None:
    """Code, reason and time; both ends of the time belong to it."""
    lose(bench, code=27000)
    lose(bench, code=21030)
    poison(bench)
    poisoned, second, first = dead.list()
    assert [*dead.list(Filter(code=27000))] == [first]
    assert [*dead.list(Filter(reason="poison"))] == [poisoned]
    assert [*dead.list(Filter(code=27000, reason="poison"))] == []
    assert [*dead.list(Filter(since=first.at, until=poisoned.at))] == [poisoned, second, first]
    assert [*dead.list(Filter(since=poisoned.at + timedelta(seconds=1)))] == []
    assert [*dead.list(Filter(until=first.at - timedelta(seconds=1)))] == []


def test_one_letter_is_found_by_its_id_or_by_its_push(bench: Bench, dead: DeadLetters) -> None:
    """And who asks for another is told so."""
    receipts = lose(bench, 3)
    letter = dead.show(receipts[0].push_id)
    assert letter.push_id == receipts[0].push_id
    assert dead.show(letter.letter_id) == letter
    for sought in ("1-1", "0" * 24, "", "nonsense"):
        with pytest.raises(NoSuchLetter):
            dead.show(sought)


def test_a_sensitive_body_is_in_no_letter_that_is_shown(bench: Bench, dead: DeadLetters) -> None:
    """Neither as its body, nor in what is printed of it by accident; another body is."""
    lose(bench, flags="s")
    letter = only(dead)
    assert letter.is_sensitive
    assert letter.body is None
    assert "android" not in repr(letter)
    assert letter.target not in repr(letter)
    dead.purge([letter])
    lose(bench)
    assert '"platform":"android"' in (only(dead).body or "")


def test_a_malformed_entry_is_a_letter_without_id(bench: Bench, dead: DeadLetters) -> None:
    """It can be shown and purged, and is not replayed."""
    bench.client.xadd(bench.key("lane:transactional:regid"), {"h": "2malformed", "b": "{}"})
    assert bench.settle(next(leases(bench)))
    letter = only(dead)
    assert (letter.push_id, letter.reason, letter.target, letter.body) == ("", "malformed", "", None)
    assert dead.show(letter.letter_id) == letter
    assert ending(dead) is Ending.MALFORMED
    assert dead.purge([letter]) == 1
    assert bench.books().purged == 1


def test_an_app_that_nobody_knows_has_no_letters(bench: Bench) -> None:
    """It has an error, which names the known ones."""
    nobody = DeadLetters(bench.redis, "nobody")
    for ask in (
        lambda: [*nobody.list()],
        lambda: nobody.show("1-1"),
        lambda: nobody.replay([]),
        lambda: nobody.purge([]),
    ):
        with pytest.raises(UnknownApp):
            ask()


# -- replay


def test_a_replayed_push_goes_out_under_its_id_and_slot(bench: Bench, dead: DeadLetters) -> None:
    """Due now, with fresh attempts and a fresh life; its history stays with it."""
    (receipt,) = lose(bench)
    bench.advance(30 * 24 * 60 * MINUTE_MS)
    assert dead.replay([only(dead)])[0].ending is Ending.REPLAYED
    assert bench.state(receipt) is State.PENDING
    assert (bench.books().delayed, bench.books().dead) == (1, 0)
    assert bench.client.exists(bench.key("bell:push"))
    entry = replayed_entry(bench)
    assert (entry.push_id, entry.ref) == (receipt.push_id, receipt.ref)
    assert (entry.attempts, entry.spent, entry.maybe_sent, entry.first_attempt_at_ms) == (0, 1, False, 0)
    assert entry.expires_at_ms == bench.now + 86_400_000
    assert cid_of(entry.body) == receipt.push_id
    bench.advance(bench.settings.lease_ms)
    assert bench.settle(next(leases(bench)))
    assert bench.state(receipt) is State.ACCEPTED
    assert bench.books().accepted == 1


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize(("kind", "flags"), [(Kind.REGID, ""), (Kind.ALIAS, "s"), (Kind.SINGLE, "")])
def test_a_push_returns_to_where_it_came_from(
    bench: Bench, dead: DeadLetters, lane: Lane, kind: Kind, flags: str
) -> None:
    """Lane, kind, sensitivity and the bell of its class."""
    lose(bench, lane=lane, kind=kind, flags=flags)
    bench.client.delete(bench.key("bell:urgent"), bench.key("bell:push"))
    assert ending(dead) is Ending.REPLAYED
    assert bench.client.exists(bench.key("bell:urgent" if lane is Lane.URGENT else "bell:push"))
    lease = next(leases(bench))
    assert (lease.lane, lease.kind) == (lane, kind)
    assert lease.entries[0].header[:1] == (b"2" if flags else b"1")


def test_a_replay_that_dies_again_keeps_its_whole_history(bench: Bench, dead: DeadLetters) -> None:
    """Attempts add up over the replays."""
    lose(bench)
    for replays in range(3):
        letter = only(dead)
        assert letter.entry is not None
        assert (letter.entry.attempts, letter.entry.spent) == (1, replays)
        assert ending(dead) is Ending.REPLAYED
        assert bench.settle(next(leases(bench)), failing(ErrorClass.UNSENT))
        assert bench.books().dead == 1


def test_the_new_life_is_that_of_the_lane_unless_a_shorter_one_is_asked_for(bench: Bench, dead: DeadLetters) -> None:
    """And never longer than the time to live, which begins anew."""
    for lane, options, ttl, life_ms in (
        (Lane.URGENT, {}, None, 600_000),
        (Lane.TRANSACTIONAL, {"expires_in": timedelta(seconds=7)}, None, 7_000),
        (Lane.TRANSACTIONAL, {"expires_in": 10**6}, None, 86_400_000),
        (Lane.TRANSACTIONAL, {}, 60, 60_000),
    ):
        lose(bench, lane=lane, ttl=ttl)
        bench.advance(10 * MINUTE_MS)
        assert ending(dead, **options) is Ending.REPLAYED
        entry = replayed_entry(bench)
        assert entry.expires_at_ms == bench.now + life_ms
        assert time_to_live_of(entry.body_at(int(bench.now))) == ttl
        assert time_to_live_of(entry.body_at(int(bench.now) + 10_000)) == (ttl and ttl - 10)
        bench.advance(bench.settings.lease_ms)
        assert bench.settle(next(leases(bench)))


@pytest.mark.parametrize("expires_in", [0, -1, True, "soon"])
def test_a_wrong_life_is_refused_before_anything_is_done(bench: Bench, dead: DeadLetters, expires_in: Any) -> None:
    """Also for no letters at all."""
    with pytest.raises(InvalidPush, match="expires_in"):
        dead.replay([], expires_in=expires_in)


def test_a_replay_with_a_new_cid_numbers_it(bench: Bench, dead: DeadLetters) -> None:
    """What was never sent risks nothing by it."""
    (receipt,) = lose(bench)
    for number in (1, 2):
        (answer,) = dead.replay([only(dead)], new_cid=True)
        assert (answer.ending, answer.cid, answer.may_repeat) == (
            Ending.REPLAYED,
            f"{receipt.push_id}-0{number}",
            False,
        )
        lease = next(leases(bench))
        assert cid_of(lease.entries[0].body) == answer.cid
        assert bench.settle(lease, failing(ErrorClass.UNSENT))
        assert bench.books().dead == 1


def test_a_second_replay_finds_the_letter_gone(bench: Bench, dead: DeadLetters) -> None:
    """Two persons, or one whose first answer was lost."""
    lose(bench)
    letter = only(dead)
    assert [each.ending for each in dead.replay([letter, letter])] == [Ending.REPLAYED, Ending.GONE]
    assert bench.books().delayed == 1


def test_a_replay_survives_the_end_of_its_outcome(bench: Bench, dead: DeadLetters) -> None:
    """Letters live longer than outcomes: slot and idempotency record are there again, and live as long as any."""
    (receipt,) = lose(bench, key="order-7")
    bucket, _ = ids.read_ref(receipt.ref)
    slots, record = bench.key("slots:" + bucket), bench.key("idem:" + receipt.push_id)
    bench.client.delete(slots, record)
    assert ending(dead) is Ending.REPLAYED
    assert bench.outcomes.of(Receipt(receipt.push_id, APP, "")).state is State.PENDING
    for name in (slots, record):
        assert bench.client.ttl(name) == bench.profile.outcome_seconds
    assert bench.settle(next(leases(bench)))
    assert bench.state(receipt) is State.ACCEPTED


def test_a_key_that_was_used_again_keeps_its_newer_push(bench: Bench, dead: DeadLetters) -> None:
    """The old one would go out under the same id."""
    (old,) = lose(bench, key="order-7")
    bench.client.delete(bench.key("idem:" + old.push_id))
    (new,) = store(bench, key="order-7")
    assert new.push_id == old.push_id
    assert ending(dead) is Ending.SUPERSEDED
    assert (bench.books().dead, bench.books().queued) == (1, 1)


def test_a_push_that_is_on_its_way_is_not_doubled(bench: Bench, dead: DeadLetters) -> None:
    """Its slot says so."""
    (receipt,) = lose(bench)
    bucket, index = ids.read_ref(receipt.ref)
    bench.client.setrange(bench.key("slots:" + bucket), index * 16, b"\1")
    assert ending(dead) is Ending.PENDING
    assert bench.books().dead == 1


def test_a_replay_undoes_a_cancellation(bench: Bench, dead: DeadLetters) -> None:
    """The mark of before would drop it at its turn."""
    (receipt,) = store(bench)
    lease = next(leases(bench))
    cancel_push(bench.redis, bench.profile, receipt.push_id)
    assert bench.settle(lease, failing(ErrorClass.UNSENT))
    assert bench.state(receipt) is State.DEAD
    assert ending(dead) is Ending.REPLAYED
    assert bench.settle(next(leases(bench)))
    assert bench.state(receipt) is State.ACCEPTED


def test_many_letters_are_replayed_while_they_are_listed(bench: Bench, dead: DeadLetters) -> None:
    """Chunk by chunk."""
    receipts = lose(bench, 250)
    answers = dead.replay(dead.list())
    assert len(answers) == 250
    assert {answer.ending for answer in answers} == {Ending.REPLAYED}
    assert bench.books().delayed == 250
    for lease in leases(bench):
        assert bench.settle(lease)
    assert set(bench.states(receipts)) == {State.ACCEPTED}
    bench.books()


# -- poison


def test_a_fresh_poison_letter_goes_again_under_its_cid(bench: Bench, dead: DeadLetters) -> None:
    """The vendor knows the cid; the first attempt stays what it was."""
    receipt = poison(bench)
    letter = only(dead)
    assert (letter.reason, letter.maybe_sent) == ("poison", True)
    (answer,) = dead.replay([letter])
    assert (answer.ending, answer.cid, answer.may_repeat) == (Ending.REPLAYED, "", False)
    entry = replayed_entry(bench)
    assert (entry.maybe_sent, entry.first_attempt_at_ms) == (True, 1_800_000_000_000)
    assert cid_of(entry.body) == receipt.push_id
    bench.books()


def test_an_old_poison_letter_needs_a_new_cid_and_says_what_that_risks(bench: Bench, dead: DeadLetters) -> None:
    """Fifty minutes after its first attempt to the millisecond."""
    receipt = poison(bench)
    bench.at(1_800_000_000_000 + 50 * MINUTE_MS)
    assert ending(dead) is Ending.LATE
    assert bench.books().dead == 1
    (answer,) = dead.replay([only(dead)], new_cid=True)
    assert (answer.ending, answer.cid, answer.may_repeat) == (Ending.REPLAYED, receipt.push_id + "-01", True)
    entry = replayed_entry(bench)
    assert (entry.maybe_sent, entry.first_attempt_at_ms, cid_of(entry.body)) == (False, 0, answer.cid)
    bench.books()


def test_no_cid_protects_a_group_push(bench: Bench, dead: DeadLetters) -> None:
    """One that may have been sent needs the explicit wish at once."""
    poison(bench)
    (found,) = bench.client.xrange(bench.key("dead"))
    bench.client.delete(bench.key("dead"))
    bench.client.xadd(bench.key("dead"), {**found[1], b"stream": b"lane:transactional:group"})
    assert ending(dead) is Ending.LATE
    assert ending(dead, new_cid=True) is Ending.REPLAYED


# -- what is kept to be asked for


def test_an_unknown_push_is_sent_again_when_a_person_says_so(bench: Bench, asked: DeadLetters) -> None:
    """Always under a new cid, and with the risk told; it is unknown no more."""
    (receipt,) = lose(bench, how=ErrorClass.AMBIGUOUS)
    assert bench.state(receipt) is State.UNKNOWN
    assert bench.books().unknown == 1
    (answer,) = asked.replay(asked.list())
    assert (answer.ending, answer.cid, answer.may_repeat) == (Ending.REPLAYED, receipt.push_id + "-01", True)
    books = bench.books()
    assert (books.unknown, books.delayed) == (0, 1)
    assert bench.settle(next(leases(bench)))
    assert bench.state(receipt) is State.ACCEPTED
    assert bench.books().accepted == 1


def test_every_unknown_push_may_repeat(bench: Bench, asked: DeadLetters) -> None:
    """Also one whose entry does not say so: a group push is unknown after its first attempt."""
    lose(bench, how=ErrorClass.AMBIGUOUS)
    (found,) = bench.client.xrange(bench.key("asked"))
    bench.client.delete(bench.key("asked"))
    trail = found[1][b"r"][:19] + b"0" + b"0" * 22
    bench.client.xadd(bench.key("asked"), {**found[1], b"r": trail, b"stream": b"lane:transactional:group"})
    assert not only(asked).maybe_sent
    (answer,) = asked.replay(asked.list())
    assert (answer.ending, answer.may_repeat) == (Ending.REPLAYED, True)
    bench.books()


def test_purging_what_was_asked_changes_no_outcome(bench: Bench, asked: DeadLetters) -> None:
    """It stays unknown, and so do the books."""
    (receipt,) = lose(bench, how=ErrorClass.AMBIGUOUS)
    before = bench.books()
    assert asked.purge(asked.list()) == 1
    assert bench.books() == before
    assert bench.state(receipt) is State.UNKNOWN
    assert [*asked.list()] == []


# -- purge


def test_purged_letters_are_counted(bench: Bench, dead: DeadLetters) -> None:
    """All that the filter takes, over several chunks; their pushes are purged, the others dead."""
    gone, kept = lose(bench, 150, code=27000), lose(bench, 50, code=21030)
    assert dead.purge(dead.list(Filter(code=27000))) == 150
    books = bench.books()
    assert (books.purged, books.dead) == (150, 50)
    assert (set(bench.states(gone)), set(bench.states(kept))) == ({State.PURGED}, {State.DEAD})
    assert dead.purge(dead.list(Filter(code=27000))) == 0
    assert bench.books() == books


def test_a_letter_is_purged_once(bench: Bench, dead: DeadLetters) -> None:
    """Whoever comes second counts nothing; a push that is on its way again stays so."""
    (receipt,) = lose(bench)
    letter = only(dead)
    assert dead.purge([letter, letter]) == 1
    assert bench.books().purged == 1
    (receipt,) = lose(bench)
    letter = only(dead)
    assert ending(dead) is Ending.REPLAYED
    assert dead.purge([letter]) == 0
    assert bench.state(receipt) is State.PENDING
    assert bench.books().purged == 1


def test_purging_does_not_bring_back_forgotten_outcomes(bench: Bench, dead: DeadLetters) -> None:
    """A bucket whose life is over would live for ever."""
    (receipt,) = lose(bench)
    bucket, _ = ids.read_ref(receipt.ref)
    bench.client.delete(bench.key("slots:" + bucket))
    assert dead.purge(dead.list()) == 1
    assert not bench.client.exists(bench.key("slots:" + bucket))


# -- when Redis is in trouble


def test_without_an_answer_it_is_said_that_a_repeat_is_safe(
    bench: Bench, dead: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look changed nothing; of what changes, some may be done."""
    lose(bench)
    letter = only(dead)

    def silent(*_: Any) -> Any:
        raise Unanswered("no answer", maybe_done=True)

    monkeypatch.setattr(bench.redis, "run", silent)
    for change in (dead.replay, dead.purge):
        with pytest.raises(CommandUnanswered, match="repeating it is safe") as caught:
            change([letter])
        assert caught.value.maybe_stored is True
    monkeypatch.setattr(bench.redis, "call", silent)
    with pytest.raises(CommandUnanswered, match="nothing was changed"):
        dead.show(letter.letter_id)
    with pytest.raises(CommandUnanswered, match="nothing was changed"):
        next(dead.list())


def test_a_full_redis_still_replays_and_purges(make_real_bench: MakeBench) -> None:
    """Both make room, or need none."""
    bench = make_real_bench(settings=ONE_TRY)
    dead = DeadLetters(bench.redis, APP)
    lose(bench, 2)
    first, second = dead.list()
    bench.client.config_set("maxmemory", 1)
    try:
        assert dead.replay([first])[0].ending is Ending.REPLAYED
        assert dead.purge([second]) == 1
    finally:
        bench.client.config_set("maxmemory", 0)
    books = bench.books()
    assert (books.delayed, books.purged) == (1, 1)


# -- cids


@pytest.mark.parametrize("ttl", [None, 0, 86_400])
def test_a_cid_can_be_read_and_replaced(ttl: int | None) -> None:
    """At the end of the options, with and without a time to live; nothing else changes, a lure in the text included."""
    lure = '","cid":"lure"}}'
    options = {"plan_id": "p"} | ({} if ttl is None else {"time_to_live": ttl})
    body = encode_content(notification=lure, platform="android", options=options).item("t", "a" * 24)
    changed = with_cid(body, "b" * 64)
    assert (cid_of(body), cid_of(changed)) == ("a" * 24, "b" * 64)
    assert with_cid(changed, "a" * 24) == body
    assert time_to_live_of(changed) == ttl
    with pytest.raises(InvalidPush, match="cid"):
        with_cid(body, "c" * 65)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"options":{"cid":"x","other":1}}', b'{"cid":"x"}}}}'])
def test_a_body_that_is_not_ours_has_no_cid(body: bytes) -> None:
    """And gets none."""
    assert cid_of(body) is None
    with pytest.raises(ValueError, match="no cid"):
        with_cid(body, "x")


@pytest.mark.parametrize(
    ("cid", "following"),
    [("p", "p-01"), ("p-again", "p-01"), ("p-01", "p-02"), ("p-98", "p-99"), ("p-99", None)],
)
def test_cids_of_replays_count_up_and_end(cid: str, following: str | None) -> None:
    """Two digits."""
    assert next_cid("p", cid) == following


def test_a_push_that_had_all_its_cids_stays_a_letter(bench: Bench, dead: DeadLetters) -> None:
    """Under its last one it may still go."""
    lose(bench)
    (found,) = bench.client.xrange(bench.key("dead"))
    bench.client.delete(bench.key("dead"))
    last = with_cid(found[1][b"b"], found[1][b"id"].decode() + "-99")
    bench.client.xadd(bench.key("dead"), {**found[1], b"b": last})
    assert ending(dead, new_cid=True) is Ending.OUT_OF_CIDS
    assert bench.books().dead == 1
    assert ending(dead) is Ending.REPLAYED


def test_what_was_never_ours_is_malformed(bench: Bench, dead: DeadLetters) -> None:
    """A body without a cid, or a stream of another version."""
    for change in ({b"b": b"{}"}, {b"stream": b"lane:another:regid"}, {b"id": b"0" * 24}, {b"code": b"x"}):
        lose(bench)
        (found,) = bench.client.xrange(bench.key("dead"))
        bench.client.delete(bench.key("dead"))
        bench.client.xadd(bench.key("dead"), {**found[1], **change})
        assert only(dead).code == 0
        if b"code" not in change:
            assert ending(dead) is Ending.MALFORMED
        assert dead.purge(dead.list()) == 1
    bench.books()
