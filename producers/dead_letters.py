"""What a person does with letters: list, show, replay, purge."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice

from . import ids, keys
from .commands import changing_many, find_app, reading
from .connection import DeadlineRedis, Script
from .contract import LANE_CLASSES, Kind, Lane
from .encoding import cid_of, time_to_live_of, with_cid
from .entry import MAX_ATTEMPTS_KEPT, SENSITIVE, VERSION, Entry
from .errors import PushError
from .letters import PER_CHUNK, Filter, Letter, Shelf, is_letter_id, newest_first, one_letter
from .outcomes import SLOT_BYTES
from .profiles import Profile
from .sends import life_ms

CID_LIFE_MS = 3_000_000
"""How long a push that may have been sent is repeated under its cid; the vendor remembers one for an hour."""
REPLAYS_KEPT = 99
_OF_A_REPLAY = re.compile(r"-(\d\d)")
RISK = "it may have reached its device already; under a new cid the vendor cannot tell, and delivers it again"

REPLAY, PURGE = Script.load("replay"), Script.load("purge")
ALL = Filter()


class NoSuchLetter(PushError):
    """No letter has this id, or none belongs to this push (any more)."""

    def __init__(self, app: str, sought: str, shelf: str) -> None:
        super().__init__(app, sought, shelf)
        self.app = app
        self.sought = sought
        self.shelf = shelf

    def __str__(self) -> str:
        return (
            f"app {self.app!r} has no {self.shelf} letter {self.sought!r}: it was replayed or purged, or never existed"
        )


class Ending(StrEnum):
    """What became of the wish to replay one letter. All but `REPLAYED` changed nothing."""

    REPLAYED = "replayed"
    GONE = "gone"
    PENDING = "pending"
    SUPERSEDED = "superseded"
    LATE = "late"
    OUT_OF_CIDS = "out_of_cids"
    MALFORMED = "malformed"


MEANINGS = {
    Ending.REPLAYED: "it is due now",
    Ending.GONE: "the letter is no longer there: it was replayed or purged",
    Ending.PENDING: "the push is already on its way",
    Ending.SUPERSEDED: "its idempotency key has been used for another push since",
    Ending.LATE: f"its cid is too old to be repeated; a new one must be asked for: {RISK}",
    Ending.OUT_OF_CIDS: f"it had {REPLAYS_KEPT} cids already",
    Ending.MALFORMED: "its entry cannot be read; it can only be shown and purged",
}
"""Each ending in words."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one letter. `cid` is the new one, if it got one; `may_repeat`: `RISK` holds for this push."""

    letter_id: str
    push_id: str
    ending: Ending
    cid: str = ""
    may_repeat: bool = False


class DeadLetters:
    """The dead letters of one app, or with `shelf` the pushes kept to be asked for. Every call may be repeated."""

    def __init__(self, redis: DeadlineRedis, app: str, shelf: Shelf = Shelf.DEAD) -> None:
        self.app = app
        self.shelf = shelf
        self._redis = redis
        self._stream = keys.letters(app, shelf)

    def list(self, wanted: Filter = ALL, *, limit: int | None = None) -> Iterator[Letter]:
        """Letters, newest first, read a hundred at a time while they are asked for.

        Raises:
            UnknownApp, CommandUnanswered: at the first letter, or at a later one.
        """
        find_app(self._redis, self.app)
        with reading():
            yield from islice(newest_first(self._redis, self._stream, wanted), limit)

    def show(self, sought: str) -> Letter:
        """One letter by its id, or the newest of a push by the push id, which looks through all of them.

        Raises:
            NoSuchLetter, UnknownApp, CommandUnanswered
        """
        find_app(self._redis, self.app)
        with reading():
            if is_letter_id(sought):
                letter = one_letter(self._redis, self._stream, sought)
            else:
                every = newest_first(self._redis, self._stream, ALL)
                letter = next((each for each in every if sought and each.push_id == sought), None)
        if letter is None:
            raise NoSuchLetter(self.app, sought, self.shelf)
        return letter

    def replay(
        self, letters: Iterable[Letter], *, new_cid: bool = False, expires_in: float | timedelta | None = None
    ) -> tuple[Replayed, ...]:
        """Send pushes again under their push ids, with fresh attempts and a fresh life; one answer each, in order.

        A push keeps its cid unless `new_cid` says otherwise; what is kept to be asked for always gets another.
        A push that may have been sent is repeated under its cid for 50 minutes; later it needs `new_cid`.

        Args:
            expires_in: as for `Producer.send`; the maximum age of its lane unless given.

        Warning:
            A push that may have been sent can reach its device twice under a new cid: see `Replayed.may_repeat`.

        Raises:
            InvalidPush: field `expires_in`; nothing was changed.
            UnknownApp: nothing was changed.
            CommandUnanswered: some may be replayed; they are letters no more, so that repeating the call is safe.
        """
        profile = find_app(self._redis, self.app)
        life_ms(expires_in, profile.max_age_ms(Lane.TRANSACTIONAL))
        wish = _Wish(profile, new_cid or self.shelf is Shelf.ASKED, expires_in)
        with changing_many():
            return tuple(self._replay(letter, wish) for letter in letters)

    def purge(self, letters: Iterable[Letter]) -> int:
        """Remove letters for good, a hundred at a time; how many went. The books count dead ones as purged.

        Raises:
            UnknownApp: nothing was changed.
            CommandUnanswered: some may be gone; purge again.
        """
        find_app(self._redis, self.app)
        remaining, gone = iter(letters), 0
        with changing_many():
            while chunk := tuple(islice(remaining, PER_CHUNK)):
                arguments = [part for letter in chunk for part in (letter.letter_id, *_slot_of(letter))]
                gone += self._redis.run(PURGE, keys.prefix(self.app), [self.shelf, *arguments])
        return gone

    def _replay(self, letter: Letter, wish: "_Wish") -> Replayed:
        entry, lane, kind = letter.entry, letter.lane, letter.kind
        cid = cid_of(entry.body) if entry else None
        if entry is None or lane is None or kind is None or cid is None:
            return Replayed(letter.letter_id, letter.push_id, Ending.MALFORMED)
        stream = _Stream(lane, kind)
        if not wish.renews_cid:
            ending = self._give_back(letter.letter_id, entry, entry.body, stream, wish)
            return Replayed(letter.letter_id, letter.push_id, ending)
        renewed = next_cid(entry.push_id, cid)
        if renewed is None:
            return Replayed(letter.letter_id, letter.push_id, Ending.OUT_OF_CIDS)
        ending = self._give_back(letter.letter_id, entry, with_cid(entry.body, renewed), stream, wish)
        if ending is not Ending.REPLAYED:
            return Replayed(letter.letter_id, letter.push_id, ending)
        may_repeat = entry.maybe_sent or self.shelf is Shelf.ASKED
        return Replayed(letter.letter_id, letter.push_id, ending, renewed, may_repeat)

    def _give_back(self, letter_id: str, entry: Entry, body: bytes, stream: "_Stream", wish: "_Wish") -> Ending:
        lifetime = time_to_live_of(body)
        arguments = (
            self.shelf,
            letter_id,
            stream.name,
            LANE_CLASSES[stream.lane],
            *_identity(entry),
            body,
            f"{min(entry.spent + entry.attempts, MAX_ATTEMPTS_KEPT):02d}",
            # Only the life of a cid in use counts on from the first attempt; what was never sent starts its time anew.
            entry.first_attempt_at_ms if entry.maybe_sent and not wish.renews_cid else 0,
            stream.cid_life_ms,
            wish.life_ms(stream.lane, lifetime),
            wish.profile.outcome_seconds,
            int(bool(lifetime)),
        )
        return Ending(self._redis.run(REPLAY, keys.prefix(self.app), arguments).decode())


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one call of `replay` asks for, for every letter alike."""

    profile: Profile
    renews_cid: bool
    expires_in: float | timedelta | None

    def life_ms(self, lane: Lane, lifetime: int | None) -> int:
        life = life_ms(self.expires_in, self.profile.max_age_ms(lane))
        # What lives for a time at the vendor is worth no more than that here.
        return min(life, lifetime * 1000) if lifetime else life


@dataclass(frozen=True, slots=True)
class _Stream:
    """Where a letter came from, and returns to."""

    lane: Lane
    kind: Kind

    @property
    def name(self) -> str:
        return f"{self.lane}:{self.kind}"

    @property
    def cid_life_ms(self) -> int:
        # No cid protects a group push.
        return 0 if self.kind is Kind.GROUP else CID_LIFE_MS


def next_cid(push_id: str, cid: str) -> str | None:
    """The cid of the next replay, ``push_id-01`` at first; None after the last one."""
    last = _OF_A_REPLAY.fullmatch(cid.removeprefix(push_id))
    number = int(last[1]) + 1 if last else 1
    return f"{push_id}-{number:02d}" if number <= REPLAYS_KEPT else None


def _identity(entry: Entry) -> tuple[str | int, ...]:
    bucket, index = ids.read_ref(entry.ref)
    version = SENSITIVE if entry.is_sensitive else VERSION
    return entry.push_id, entry.ref, bucket, index * SLOT_BYTES, version, entry.push_id + entry.target


def _slot_of(letter: Letter) -> tuple[str, int]:
    if letter.entry is None:
        return "", 0
    bucket, index = ids.read_ref(letter.entry.ref)
    return bucket, index * SLOT_BYTES
