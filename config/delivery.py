"""The numbers of delivery, in one frozen model: PUSH_DELIVERY__<NAME>. Durations are milliseconds unless named."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

LEASE_MARGIN_MS = 2_000
"""How much longer than the hard call deadline a lease lives: time to settle before a take-over may begin."""
VENDOR_CID_MEMORY_MS = 3_600_000
"""How long the vendor documents that it remembers a cid."""

_DAY_MS = 86_400_000

UnknownPolicy = Literal["drop", "ask", "resend"]
"""Of a push whose outcome is unknown: `drop` it, keep its body so that a person may `ask` for it, or `resend` it once
under a new cid, which may reach the device twice."""


def wrong_setting(field: str, reason: str) -> PydanticCustomError:
    """A fault between several fields, reported under the one the reader should look at."""
    return PydanticCustomError("setting", "{reason}", {"field": field, "reason": reason})


class DeliverySettings(BaseModel):
    """How pushes are leased, called, retried and kept. The defaults suit an AppKey with 500 units per second."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    linger_ms: int = Field(20, ge=0, le=10_000, description="least distance between call starts on a busy lane, ms")
    max_batch: int = Field(500, ge=1, le=500, description="targets per batch call, at most 500")
    lease_ms: int = Field(15_000, ge=1_000, le=600_000, description="how long a lease lives, ms")
    call_deadline_ms: int = Field(8_000, ge=100, le=300_000, description="hard end of one HTTP call, ms")
    slice_ms: int = Field(1_000, ge=50, le=60_000, description="length of one push.deliver slice, ms")
    slots: int = Field(8, ge=1, le=256, description="open push.deliver slices per app and class")
    quota_guard_ms: int = Field(20, ge=5, le=1_000, description="the quota window is one second plus this, ms")
    quota_slice_ms: int = Field(100, ge=1, le=1_000, description="quota handed out at a time, ms of it")

    retry_attempts: int = Field(40, ge=1, le=99, description="attempts of a push before it is a dead letter")
    retry_total_ms: int = Field(_DAY_MS, ge=1_000, le=30 * _DAY_MS, description="time a push is retried for, ms")
    retry_base_ms: int = Field(1_000, ge=10, le=600_000, description="first retry delay, ms; doubles each time")
    retry_cap_ms: int = Field(300_000, ge=10, le=_DAY_MS, description="longest retry delay, ms")
    ambiguous_delay_ms: int = Field(
        10_000, ge=0, le=600_000, description="least delay after an answer that leaves open what happened, ms"
    )
    cid_life_ms: int = Field(
        3_000_000, ge=1_000, description="a push that may have been sent is repeated this long, ms"
    )

    urgent_max_age_ms: int = Field(600_000, ge=1_000, description="an urgent push expires after this, ms")
    transactional_max_age_ms: int = Field(_DAY_MS, ge=1_000, description="a transactional push expires after this, ms")
    urgent_unknown: UnknownPolicy = Field("ask", description="unknown urgent pushes: drop, ask or resend")
    transactional_unknown: UnknownPolicy = Field("drop", description="the same for transactional ones")
    memory_watermark_percent: int = Field(
        90, ge=1, le=100, description="share of Redis' maxmemory beyond which producers get QueueFull, percent"
    )
    outcome_retention_hours: int = Field(
        25, ge=1, le=24 * 31, description="how long outcomes and msg_ids are kept, hours"
    )
    dead_letter_days: int = Field(14, ge=1, le=365, description="how long dead letters are kept, days")

    worker_threads: int = Field(16, ge=1, le=1_024, description="threads of one worker process")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        least = self.call_deadline_ms + LEASE_MARGIN_MS
        if self.lease_ms < least:
            raise wrong_setting("lease_ms", f"must be at least {least} (CALL_DEADLINE_MS plus {LEASE_MARGIN_MS})")
        if self.retry_cap_ms < self.retry_base_ms:
            raise wrong_setting("retry_cap_ms", f"must be at least RETRY_BASE_MS ({self.retry_base_ms})")
        if self.retry_total_ms < self.retry_base_ms:
            raise wrong_setting("retry_total_ms", f"must be at least RETRY_BASE_MS ({self.retry_base_ms})")
        latest = VENDOR_CID_MEMORY_MS - self.call_deadline_ms
        if self.cid_life_ms > latest:
            raise wrong_setting("cid_life_ms", f"must be at most {latest}: the vendor remembers a cid for one hour")
        return self
