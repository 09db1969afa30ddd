"""What a figure is: its name, what it is held against, and the number that was measured. Pure."""

from dataclasses import dataclass
from typing import Literal

ABOUT_FACTOR = 1.5
"""How far off `about` may be, either way."""


@dataclass(frozen=True, slots=True)
class Target:
    """The number that a figure should reach."""

    kind: Literal["at least", "at most", "about"]
    bound: float

    def is_met(self, value: float) -> bool:
        """Whether `value` reaches the target."""
        if self.kind == "about":
            return self.bound / ABOUT_FACTOR <= value <= self.bound * ABOUT_FACTOR
        return value >= self.bound if self.kind == "at least" else value <= self.bound

    def __str__(self) -> str:
        sign = {"at least": "≥", "at most": "≤", "about": "~"}[self.kind]
        return f"{sign} {number(self.bound)}"


@dataclass(frozen=True, slots=True)
class Spec:
    """A figure that a part measures. `name` is its key in the result file."""

    name: str
    label: str
    unit: str
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and the conditions under which it holds."""

    name: str
    value: float
    conditions: str


def at_least(bound: float) -> Target:
    """A lower bound."""
    return Target("at least", bound)


def at_most(bound: float) -> Target:
    """An upper bound."""
    return Target("at most", bound)


def about(bound: float) -> Target:
    """A number to be near to, within a factor of one and a half."""
    return Target("about", bound)


def number(value: float) -> str:
    """Three digits that matter: `12,345`, `98.7`, `0.00123`."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = f"{value:.3g}"
    return digits if "e" not in digits else f"{value:.6f}"


def rounded(value: float) -> float:
    """The value as it is recorded: four digits that matter, whole numbers whole."""
    short = float(f"{value:.4g}") if abs(value) < 10_000 else round(value)
    return int(short) if short == int(short) else short
