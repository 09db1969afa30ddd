"""What the run came to, on our side and on the sandbox's, and whether the sums agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.stack import Stack
from worker.books import Books

from .plan import APP, QUOTA, REPEATS, TOTAL, Plan


@dataclass(frozen=True)
class Tally:
    """Everything that the final table shows."""

    plan: Plan
    books: Books
    counts: Mapping[str, Any]
    """The sandbox's counts of the app."""
    check: Mapping[str, Any]
    """The sandbox's comparison of what arrived with what should have."""
    repeats: int
    """Repeats of the idempotency key that were answered with the first receipt."""
    seconds: float

    @classmethod
    def take(cls, stack: Stack, plan: Plan, repeats: int, seconds: float) -> "Tally":
        """Read both sides."""
        counts = stack.sandbox.counts(APP)
        return cls(plan, stack.books(APP), counts, stack.sandbox.check(targets=plan.delivered), repeats, seconds)

    @property
    def outcomes(self) -> dict[str, tuple[int, int]]:
        """Outcome → counted, planned."""
        planned = {"accepted": len(self.plan.delivered), "rejected": self.plan.rejected}
        planned["expired"] = self.plan.expected_expired
        words = ("accepted", "rejected", "expired", "cancelled", "unknown", "dead")
        return {word: (getattr(self.books, word), planned.get(word, 0)) for word in words}

    @property
    def quota_used(self) -> float:
        """Share of the quota in the whole seconds between the first call and the last."""
        admitted: dict[int, int] = {second: units for second, _, units in self.counts["per_second"]}
        whole = range(min(admitted, default=0) + 1, max(admitted, default=0))
        return sum(admitted.get(second, 0) for second in whole) / (QUOTA * max(1, len(whole)))

    @property
    def sends_per_call(self) -> float:
        """Targets of an average call."""
        return self.books.called / max(1, self.books.calls)

    def disagreements(self) -> list[str]:
        """Every sum that is not as planned; empty when all agree."""
        claims = {
            f"enqueued is {self.books.enqueued}, not {TOTAL}": self.books.enqueued == TOTAL,
            f"{self.books.pending} are still pending": not self.books.pending,
            f"the books are off by {self.books.drift}": not self.books.drift,
            f"{self.counts['deliveries']} deliveries, {self.books.accepted} accepted": (
                self.counts["deliveries"] == self.books.accepted
            ),
            f"{self.counts['duplicates']} duplicates at the sandbox": not self.counts["duplicates"],
            f"{self.check['missing']} planned targets were not reached": not self.check["missing"],
            f"{self.check['surplus']} deliveries were not planned": not self.check["surplus"],
            f"{self.repeats} of {REPEATS} repeats met the first receipt": self.repeats == REPEATS,
        }
        for word, (counted, planned) in self.outcomes.items():
            claims[f"{counted} {word}, planned {planned}"] = counted == planned
        return [claim for claim, holds in claims.items() if not holds]
