"""Reading outcomes back: from a receipt or a push id to its slot."""

import json

from . import ids, keys
from .connection import DeadlineRedis, Refused, Unanswered
from .errors import BrokerUnavailable
from .outcomes import SLOT_BYTES, Slot, State, unpack_slot
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
            # An accepted push without a number as msg_id has its words elsewhere.
            is_elsewhere = slot.state is State.ACCEPTED and not slot.msg_id
            detail = self._redis.call("GET", keys.detail(receipt.app, receipt.push_id)) if is_elsewhere else None
        except (Unanswered, Refused) as error:
            raise BrokerUnavailable([receipt.push_id], maybe_stored=None) from error
        words = (message or b"").decode(errors="replace")
        return Status.of_slot(receipt.push_id, receipt.app, slot, words, json.loads(detail) if detail else {})

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
