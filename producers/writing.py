"""From valid sends to round trips: groups that share a stream, the ids and slots they get, and the results put back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from . import ids
from .contract import Kind, Lane
from .encoding import Content, SingleContent
from .errors import BrokerUnavailable, InvalidPush, PushError
from .intake import Enqueuer, Lettered, Stream, now_ms
from .profiles import Profile
from .receipts import Receipt


@dataclass(slots=True)
class Call:
    """One call of an application, over all its round trips. `is_cut_off`: Redis stopped answering."""

    profile: Profile
    lane: Lane
    is_cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One valid push at `position` of its round trip. `push_id` is empty unless it repeats another.

    `request_id` is the application's own; the push id otherwise.
    """

    position: int
    kind: Kind
    target: str
    content: Content | SingleContent
    life_ms: int
    push_id: str = ""
    key: str = ""
    is_sensitive: bool = False
    request_id: str = ""

    def lettered(self, push_id: str) -> Lettered:
        """Ready for its stream. The digest covers content and target: both belong to an idempotency key."""
        digest = sha256(f"{self.content.digest}{self.target}".encode()).hexdigest()[:32] if self.key else ""
        if isinstance(self.content, Content):
            body = self.content.item(self.target, push_id)
        else:
            body = self.content.request(push_id, self.request_id or push_id)
        lifetime = self.content.ttl
        # What lives for a time at the vendor is worth no more than that here.
        life_ms = min(self.life_ms, lifetime * 1000) if lifetime else self.life_ms
        flags = ("s" if self.is_sensitive else "") + ("t" if lifetime else "")
        return Lettered(push_id, self.target, body, life_ms, digest, flags, self.key)


class Writer:
    """Stores items. Safe for threads and forks."""

    def __init__(self, enqueuer: Enqueuer, slots: ids.SlotAllocator) -> None:
        self._enqueuer = enqueuer
        self._slots = slots

    def write(self, call: Call, items: Sequence[Item], results: list[Any]) -> list[Receipt | PushError]:
        """Store up to 500 items and fill in their places in `results`."""
        groups: dict[tuple[Kind, bool, bool], list[Item]] = defaultdict(list)
        for item in items:
            groups[item.kind, bool(item.key), bool(item.push_id)].append(item)
        for (kind, is_keyed, is_repeat), group in groups.items():
            stream = Stream(call.profile, call.lane, kind)
            for run, part, push_ids in self._identify(call, group, is_keyed, is_repeat):
                for item, result in zip(part, self._store(call, stream, run, part, push_ids), strict=True):
                    results[item.position] = result
        return results

    def _store(
        self, call: Call, stream: Stream, run: ids.SlotRun, items: Sequence[Item], push_ids: Sequence[str]
    ) -> Sequence[Receipt | PushError]:
        if call.is_cut_off:
            return [BrokerUnavailable([push_id], maybe_stored=False) for push_id in push_ids]
        written = self._enqueuer.write(stream, run, list(map(Item.lettered, items, push_ids)))
        call.is_cut_off = isinstance(written[0], BrokerUnavailable)
        return written

    def _identify(
        self, call: Call, items: list[Item], is_keyed: bool, is_repeat: bool
    ) -> Iterable[tuple[ids.SlotRun, list[Item], list[str]]]:
        if is_repeat and not is_keyed:
            return _consecutive(items)
        run = self._slots.take(len(items))
        if is_keyed:
            return [(run, items, [ids.derive_push_id(call.profile.app, item.key) for item in items])]
        return [(run, items, run.push_ids(now_ms()))]


def check_push_ids(push_ids: Sequence[str]) -> Sequence[str]:
    """Ids of a first try, each one's form checked before anything is stored. Raises `InvalidPush`."""
    if isinstance(push_ids, str) or any(
        not isinstance(each, str) or (each and not ids.is_push_id(each)) for each in push_ids
    ):
        raise InvalidPush("push_id", "must be the id that the receipt or the error of the first try carries")
    return push_ids


def check_identity(app: str, key: str | None, push_id: str) -> str:
    """The given id, if it fits the send's idempotency key or lack of one. Raises `InvalidPush`."""
    expected = ids.derive_push_id(app, key) if key is not None else push_id
    if push_id and (push_id != expected or (key is None and ids.is_derived(push_id))):
        raise InvalidPush("push_id", "belongs to another idempotency key; repeat the send as it was first made")
    return push_id


def _consecutive(items: Sequence[Item]) -> Iterator[tuple[ids.SlotRun, list[Item], list[str]]]:
    start = 0
    while start < len(items):
        bucket, first = ids.read_ref(ids.slot_ref(items[start].push_id))
        end = start + 1
        while end < len(items) and ids.read_ref(ids.slot_ref(items[end].push_id)) == (bucket, first + end - start):
            end += 1
        part = list(items[start:end])
        yield ids.SlotRun(bucket, first, len(part)), part, [item.push_id for item in part]
        start = end
