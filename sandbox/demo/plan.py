"""What the demo enqueues, and what has to come of it. Known targets are rules of the sandbox's population."""

from dataclasses import dataclass, field

APP = "shop"
TOTAL = 3_000
QUOTA = 500
"""What the sandbox grants per second."""
BELIEVED_QUOTA = 600
"""What the workers are told: too much, so that the API throttles them."""

ALERT = "Your parcel is here"
KEY = "order-4711"
REPEATS = 2
"""How often the idempotency key comes again: once from the Producer, once from pushctl."""

_EVERY = 50
"""One target in so many does not exist."""


def _targets(prefix: str, unknown: str, count: int) -> tuple[str, ...]:
    return tuple(f"{unknown if number % _EVERY == 0 else prefix}{number:04}" for number in range(1, count + 1))


@dataclass(frozen=True)
class Plan:
    """The targets of each way in."""

    registration_ids: tuple[str, ...] = field(default_factory=lambda: _targets("rid-", "nobody-", 1_500))
    aliases: tuple[str, ...] = field(default_factory=lambda: _targets("user_", "nobody_", 1_000))
    keyed: str = "rid-keyed"
    urgent: str = "rid-urgent"
    expired: str = "rid-too-late"
    messages: tuple[str, ...] = field(default_factory=lambda: _targets("rid-message-", "nobody-message-", 494))
    commands: tuple[str, ...] = ("rid-command-1", "rid-command-2", "rid-command-3")

    @property
    def delivered(self) -> list[str]:
        """The targets that have to be reached, once each."""
        everyone = (*self.registration_ids, *self.aliases, self.keyed, self.urgent, *self.messages, *self.commands)
        return [target for target in everyone if not target.startswith("nobody")]

    @property
    def rejected(self) -> int:
        """How many targets the API does not know."""
        return TOTAL - self.expected_expired - len(self.delivered)

    @property
    def expected_expired(self) -> int:
        """The one push that is not worth sending any more when its turn comes."""
        return 1
