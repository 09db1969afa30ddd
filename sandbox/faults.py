"""Scripted faults: which call gets which. How a fault looks on the wire is in `wire.py`.

A rule matches calls by endpoint and app, and fires on the first `count` of them, on a random `share`, or on all.
`latency` and `inflight_twice` add to a call; of all other kinds the first rule that fires decides the ending.
"""

import random
from dataclasses import asdict, dataclass, fields
from typing import Any

from sandbox.errors import CODES, ApiError

ADDING = frozenset(("latency", "inflight_twice"))
EFFECT_BY_KIND = {
    "status": False,
    "code": False,
    "hang": False,
    "close_before": False,
    "close_after": True,
    "truncate": True,
    "html": True,
    "empty": True,
    "half_results": True,
    "slow": True,
    "trickle": True,
    "latency": True,
    "inflight_twice": True,
}
"""Whether the call takes effect (quota, deliveries, cid) before it goes wrong; `effect` in a rule overrides it."""

_STATUSES = range(200, 600)
_DEFAULT_SECONDS = {"hang": 3600.0, "trickle": 1.0}
_DEFAULT_STATUS = {"status": 500, "html": 502, "empty": 200}


@dataclass(slots=True)
class Rule:
    """One line of the script. The field names are those of the control API."""

    kind: str
    endpoint: str | None = None
    """Operation name such as `batch_regid`; None = every operation."""
    app: str | None = None
    """AppKey (or group key for the whole of a group push); None = every app."""
    count: int | None = None
    """Fires at most so often."""
    share: float | None = None
    """Fires on this part of the matching calls, by a seeded random choice."""
    status: int | None = None
    code: int | None = None
    seconds: float | None = None
    """hang: until the connection is dropped. slow: between headers and body. trickle: per byte. latency: added."""
    effect: bool | None = None
    flat: bool = False
    """status, code: answer `{"code", "message"}` instead of the nested form."""
    reset: bool = False
    """close_before, close_after, truncate: TCP reset instead of an orderly end."""
    fired: int = 0

    @property
    def takes_effect(self) -> bool:
        """Whether the operation runs."""
        return EFFECT_BY_KIND[self.kind] if self.effect is None else self.effect

    @property
    def pause(self) -> float:
        """`seconds`, or the default of the kind."""
        return _DEFAULT_SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    @property
    def http_status(self) -> int:
        """`status`, else the documented status of `code`, else the default of the kind."""
        if self.status is not None:
            return self.status
        if self.code is not None:
            return ApiError(self.code).status
        return _DEFAULT_STATUS.get(self.kind, 200)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wrong with one call."""

    ending: Rule | None = None
    delay: float = 0.0
    late_cids: bool = False


NOTHING = Plan()


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._random = random.Random(0)  # noqa: S311 - a repeatable script, not a secret

    def seed(self, seed: int) -> None:
        """Start the random choice of `share` again."""
        self._random.seed(seed)

    def plan(self, endpoint: str, app: str) -> Plan:
        """Decide about one call; the rules that fire are counted."""
        if not self.rules:
            return NOTHING
        ending, delay, late_cids = None, 0.0, False
        for rule in self.rules:
            if (ending is not None and rule.kind not in ADDING) or not self._fires(rule, endpoint, app):
                continue
            if rule.kind == "latency":
                delay += rule.pause
            elif rule.kind == "inflight_twice":
                late_cids = True
            else:
                ending = rule
        return Plan(ending, delay, late_cids)

    def refuse_member(self, endpoint: str, app: str) -> None:
        """One app of a group fails: `code` rules that name its AppKey."""
        for rule in self.rules:
            if rule.app == app and rule.kind == "code" and self._fires(rule, endpoint, app):
                raise ApiError(rule.code or 21003)

    def _fires(self, rule: Rule, endpoint: str, app: str) -> bool:
        if rule.endpoint not in (None, endpoint) or rule.app not in (None, app):
            return False
        if rule.count is not None and rule.fired >= rule.count:
            return False
        if rule.share is not None and self._random.random() >= rule.share:
            return False
        rule.fired += 1
        return True

    def listing(self) -> list[dict[str, Any]]:
        """The rules as JSON, without what is not set, each with how often it fired."""
        return [
            {name: value for name, value in asdict(rule).items() if name == "fired" or value not in (None, False)}
            for rule in self.rules
        ]


def read_rule(document: Any, endpoints: frozenset[str]) -> Rule:
    """A rule from the control API. Raises ValueError naming what is wrong."""
    if not isinstance(document, dict):
        raise ValueError("a rule must be an object")
    known = {field.name for field in fields(Rule)} - {"fired"}
    unknown = document.keys() - known
    if unknown:
        raise ValueError(f"unknown rule field {sorted(unknown)}; known: {sorted(known)}")
    if document.get("kind") not in EFFECT_BY_KIND:
        raise ValueError(f"kind must be one of {sorted(EFFECT_BY_KIND)}")
    rule = Rule(**document)
    if rule.endpoint is not None and rule.endpoint not in endpoints:
        raise ValueError(f"endpoint must be one of {sorted(endpoints)}")
    _check_numbers(rule)
    return rule


def _check_numbers(rule: Rule) -> None:
    for name, value, kinds in (
        ("count", rule.count, (int,)),
        ("share", rule.share, (int, float)),
        ("status", rule.status, (int,)),
        ("code", rule.code, (int,)),
        ("seconds", rule.seconds, (int, float)),
    ):
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds) or value < 0):
            raise ValueError(f"{name} must be a number of at least 0")
    if rule.share is not None and rule.share > 1:
        raise ValueError("share is a part of 1")
    if rule.kind == "code" and rule.code is None:
        raise ValueError(f"kind code needs a code, such as one of {sorted(CODES)}")
    if rule.status is not None and rule.status not in _STATUSES:
        raise ValueError("status must be 200 to 599")
