"""What the direct client returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.api.errors import Fault
from worker.api.reading import Json, TargetResult


@dataclass(frozen=True, slots=True)
class PushAccepted:
    """The API took the push (or would, for a validation); no device has confirmed anything yet.

    Attributes:
        msg_id: the vendor's id, for recall and statistics.
        request_id: echo of the request's own, empty without one.
        raw: the whole answer.
    """

    msg_id: str
    request_id: str
    raw: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Recalled:
    """The API took the recall. Its effect on devices that already show the push is not documented."""

    msg_id: str
    request_id: str
    raw: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A batch, target by target; its `repr` shows no target.

    Attributes:
        results: by target, for every target that the API mentioned.
        missing: targets that the API did not mention: their outcome is unknown.
        throttled: the quota was hit for some of them.
        fault: of the call as a whole, when it came together with results; it holds for those that are missing.
        raw: the whole answer.
    """

    results: Mapping[str, TargetResult] = field(repr=False)
    missing: tuple[str, ...] = field(repr=False)
    throttled: bool
    fault: Fault | None = None
    raw: Json = field(default_factory=dict, repr=False)

    @property
    def accepted(self) -> dict[str, str]:
        """The msg_id of each target that was accepted."""
        return {target: result.msg_id for target, result in self.results.items() if result.fault is None}

    @property
    def faults(self) -> dict[str, Fault]:
        """The fault of each target that was not."""
        return {target: result.fault for target, result in self.results.items() if result.fault is not None}


@dataclass(frozen=True, slots=True)
class AppResult:
    """One app of a group push: accepted with a `msg_id`, or a `fault` and an empty `msg_id`."""

    msg_id: str
    request_id: str
    fault: Fault | None
    raw: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A group push, app by app.

    Attributes:
        group_msg_id: the vendor's id of the whole.
        apps: by AppKey; successes and failures come together.
        raw: the whole answer.
    """

    group_msg_id: str
    apps: Mapping[str, AppResult] = field(repr=False)
    raw: Json = field(default_factory=dict, repr=False)
