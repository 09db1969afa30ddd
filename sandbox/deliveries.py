"""What reached which device, in columns, so that a million deliveries stay small and cost the calls little.

Duplicates are looked for when somebody asks, from where the last look ended.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

Row = tuple[str, str, str | None, int, int]
"""(device, target, cid, msg_id, hash of the content) of one delivery while its call is worked on."""


class Delivery(NamedTuple):
    """One push on one device."""

    device: str
    cid: str | None
    msg_id: int
    at: float
    endpoint: str
    target: str
    content: int


class Duplicates:
    """Running count of devices and of deliveries that a device had already got."""

    def __init__(self) -> None:
        self.devices: set[str] = set()
        self.cids: set[str] = set()
        self.repeated_cids: dict[str, int] = {}
        """cid -> how often it was delivered again to the same device."""
        self.by_cid = 0
        self.by_content = 0
        self.deliveries = 0
        """Deliveries that repeat a cid or a content on their device, each counted once."""
        self._seen: set[int] = set()

    def look(self, delivery: Delivery) -> None:
        """Judge the next delivery. Pairs are kept as 64-bit hashes: at a million, a false alarm is 1 in 30 million."""
        device, cid = delivery.device, delivery.cid
        self.devices.add(device)
        same_content = self._is_repeated(hash((device, delivery.content)))
        same_cid = cid is not None and self._is_repeated(hash((device, cid)))
        if cid is not None:
            self.cids.add(cid)
            if same_cid:
                self.repeated_cids[cid] = self.repeated_cids.get(cid, 0) + 1
        self.by_cid += same_cid
        self.by_content += same_content
        self.deliveries += same_cid or same_content

    def _is_repeated(self, mark: int) -> bool:
        if mark in self._seen:
            return True
        self._seen.add(mark)
        return False


class DeliveryLog:
    """Deliveries of one app in the order they happened."""

    def __init__(self) -> None:
        self._devices: list[str] = []
        self._targets: list[str] = []
        self._cids: list[str | None] = []
        self._endpoints: list[str] = []
        self._msg_ids = array("q")
        self._contents = array("q")
        self._times = array("d")
        self._duplicates = Duplicates()
        self._looked = 0

    def __len__(self) -> int:
        return len(self._devices)

    def add(self, endpoint: str, at: float, rows: list[Row]) -> None:
        """Append the deliveries of one call, `at` in sandbox unix seconds."""
        if not rows:
            return
        devices, targets, cids, msg_ids, contents = zip(*rows, strict=True)
        self._devices += devices
        self._targets += targets
        self._cids += cids
        self._msg_ids.extend(msg_ids)
        self._contents.extend(contents)
        self._endpoints += [endpoint] * len(rows)
        self._times.extend([at] * len(rows))

    def __getitem__(self, index: int) -> Delivery:
        return Delivery(
            self._devices[index],
            self._cids[index],
            self._msg_ids[index],
            self._times[index],
            self._endpoints[index],
            self._targets[index],
            self._contents[index],
        )

    def __iter__(self) -> Iterator[Delivery]:
        return (self[index] for index in range(len(self)))

    def has_msg_id(self, msg_id: int) -> bool:
        """Whether this app sent it. The ids rise, so a binary search is enough."""
        index = bisect_left(self._msg_ids, msg_id)
        return index < len(self._msg_ids) and self._msg_ids[index] == msg_id

    def duplicates(self) -> Duplicates:
        """The counts up to now."""
        for index in range(self._looked, len(self)):
            self._duplicates.look(self[index])
        self._looked = len(self)
        return self._duplicates
