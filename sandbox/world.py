"""The state of the sandbox: apps, groups, clock, faults. One object, replaced by nothing, emptied by `reset`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.cids import CidMemory
from sandbox.clock import Clock, Moment
from sandbox.deliveries import DeliveryLog
from sandbox.faults import Faults
from sandbox.msg_ids import MsgIds
from sandbox.quota import Window, new_window
from sandbox.settings import Settings
from sandbox.tally import Tally


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and its secret, of an app or of a group."""

    key: str
    secret: str


class App:
    """One AppKey: its secret, quota, cid memory, deliveries and counts."""

    def __init__(self, credential: Credential, settings: Settings, clock: Clock) -> None:
        self.key = credential.key
        self.secret = credential.secret
        self.own_quota: int | None = None
        """Units per second when this app differs from the sandbox's setting."""
        self._clock = clock
        self.apply(settings)
        self.forget(settings)

    def apply(self, settings: Settings) -> None:
        """Start a fresh quota window with the current quota and shape."""
        self.quota = settings.quota if self.own_quota is None else self.own_quota
        moment = self._clock.read()
        self._window: Window = new_window(settings.quota_shape, self.quota, moment.now - moment.elapsed)

    def forget(self, settings: Settings) -> None:
        """Empty cid memory, deliveries and counts."""
        self.tally = Tally()
        self.log = DeliveryLog()
        self.withdrawn: set[int] = set()
        self._cid_seconds = settings.cid_seconds
        self._memories: dict[str, CidMemory] = {}

    def admit(self, moment: Moment, units: int, free: int = 0) -> int:
        """Meter a call whose units may be admitted in part; `free` of them cost nothing. Returns the units admitted."""
        costly = units - free
        admitted = max(0, min(costly, self._window.left(moment.elapsed)))
        self._window.spend(moment.elapsed, admitted)
        self.tally.meter(moment, costly, admitted)
        return admitted

    def admit_whole(self, moment: Moment, units: int) -> bool:
        """Meter a call that passes whole or not at all."""
        passes = self._window.left(moment.elapsed) >= units
        admitted = units if passes else 0
        self._window.spend(moment.elapsed, admitted)
        self.tally.meter(moment, units, admitted)
        return passes

    def memory(self, scope: str) -> CidMemory:
        """The cid memory of a scope: the whole app, or one endpoint."""
        memory = self._memories.get(scope)
        if memory is None:
            memory = self._memories[scope] = CidMemory(self._cid_seconds)
        return memory


class World:
    """Everything the operations work on."""

    def __init__(self, settings: Settings, credentials: Sequence[Credential], group: Credential) -> None:
        self.settings = settings
        self.group = group
        self._credentials = tuple(credentials)
        self.reset()

    def reset(self) -> None:
        """Back to the state of the start: clock, apps, counts, deliveries, cid memory and faults. Settings stay."""
        self.clock = Clock()
        self.apps = {entry.key: App(entry, self.settings, self.clock) for entry in self._credentials}
        self.ids = MsgIds()
        self.faults = Faults()
        self.refused: Counter[int] = Counter()
        """Calls without a known app, by code."""

    def change(self, settings: Settings) -> None:
        """Use other settings from now on; quota windows start afresh, counts and memories stay."""
        self.settings = settings
        for app in self.apps.values():
            app.apply(settings)

    def put_app(self, credential: Credential, quota: int | None) -> App:
        """Add an app, or change the secret and the quota of one that exists (counts and memories stay)."""
        app = self.apps.get(credential.key)
        if app is None:
            app = self.apps[credential.key] = App(credential, self.settings, self.clock)
        app.secret = credential.secret
        app.own_quota = quota
        app.apply(self.settings)
        return app
