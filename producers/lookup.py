"""Reading outcomes back: from a receipt or a push id to its slot."""

from . import ids, keys
from .connection import DeadlineRedis, Refused, Unanswered
from .errors import BrokerUnavailable
from .outcomes import SLOT_BYTES, Slot, unpack_slot
from .receipts import Receipt, Status


class Outcomes:
    """The recorded fates of pushes."""

    def __init__(self, redis: DeadlineRedis) -> None:
        self._redis = redis

    def of(self, receipt: Receipt) -> Status:
        """The status of a push; `ABSENT` when nothing is known of it any more. Raises `BrokerUnavailable`."""
        try:
            slot = self._slot(receipt)
            message = self._redis.call("HGET", keys.codes(receipt.app), slot.code) if slot.code else None
        except (Unanswered, Refused) as error:
            raise BrokerUnavailable([receipt.push_id], maybe_stored=None) from error
        return Status.of_slot(receipt.push_id, receipt.app, slot, (message or b"").decode(errors="replace"))

    def _slot(self, receipt: Receipt) -> Slot:
        ref = receipt.ref or self._ref(receipt)
        if not ref:
            return unpack_slot(b"")
        bucket, index = ids.read_ref(ref)
        first = index * SLOT_BYTES
        return unpack_slot(
            self._redis.call("GETRANGE", keys.bucket(receipt.app, bucket), first, first + SLOT_BYTES - 1)
        )

    def _ref(self, receipt: Receipt) -> str:
        if not ids.is_derived(receipt.push_id):
            return ids.slot_ref(receipt.push_id)
        record = self._redis.call("GET", keys.idempotency(receipt.app, receipt.push_id))
        return record[-ids.REF_LENGTH :].decode() if record else ""
