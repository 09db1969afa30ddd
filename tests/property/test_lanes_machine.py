"""Random lives of pushes through the real scripts: crashes, zombies, lost answers, any outcome."""

from collections import Counter
from typing import Any

import fakeredis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from config.delivery import DeliverySettings
from producers.contract import Kind, Lane, LaneClass
from producers.outcomes import State
from producers.receipts import Receipt
from tests.lanes_fixture import Bench, batch_answer, connect, fault, push_ids_of
from worker.api import BatchAnswer, ErrorClass, TargetResult
from worker.planner import Lease

NUMBERS = DeliverySettings(retry_attempts=3, retry_base_ms=100, retry_cap_ms=1_000, retry_total_ms=600_000)
WORDS = {
    State.ACCEPTED: "accepted",
    State.REJECTED: "rejected",
    State.EXPIRED: "expired",
    State.UNKNOWN: "unknown",
    State.DEAD: "dead",
}

lanes = st.sampled_from(Lane)
kinds = st.sampled_from(Kind)
endings = st.one_of(st.none(), st.sampled_from(ErrorClass))
indexes = st.integers(0, 9)


class Lives(RuleBasedStateMachine):
    """Producers, workers that crash or wake up late, and a vendor with moods; after every step the books agree."""

    def __init__(self) -> None:
        super().__init__()
        client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(6, 2)))
        self.bench = Bench(connect(client), client, settings=NUMBERS, rate=200)
        self.receipts: dict[str, Receipt] = {}
        self.held: list[Lease] = []
        self.zombies: list[Lease] = []
        self.final: dict[str, State] = {}
        self.requests: list[dict[str, Any]] = []

    def teardown(self) -> None:
        """Whatever happened, every push comes to exactly one outcome."""
        try:
            self._drain()
        finally:
            self.bench.redis.close()
            self.bench.client.close()

    # -- producers

    @rule(
        lane=lanes,
        kind=kinds,
        to=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12),
        life_ms=st.sampled_from([30, 5_000, 60_000, 3_600_000]),
    )
    def enqueue(self, lane: Lane, kind: Kind, to: list[str], life_ms: int) -> None:
        """Store some pushes; a few targets only, so that they repeat."""
        letters = self.bench.letters(to, life_ms=life_ms)
        request: dict[str, Any] = {"letters": letters, "lane": lane, "kind": kind, "run": self.bench.run}
        self.requests.append(request)
        for receipt in self.bench.write(**request):
            assert isinstance(receipt, Receipt)
            self.receipts[receipt.push_id] = receipt

    @precondition(lambda self: self.requests)
    @rule(index=indexes)
    def repeat_enqueue(self, index: int) -> None:
        """A client that got no answer asks again, however late."""
        request = self.requests[index % len(self.requests)]
        before = self.bench.books()
        for receipt in self.bench.write(**request):
            assert isinstance(receipt, Receipt)
            assert self.receipts[receipt.push_id] == receipt
        assert self.bench.books() == before

    # -- workers

    @rule(lane_class=st.sampled_from([LaneClass.URGENT, LaneClass.PUSH]))
    def lease(self, lane_class: LaneClass) -> None:
        """Some worker asks for work; another, whose lease it takes over, is a zombie from now on."""
        answer = self.bench.lease(lane_class, self.bench.token())
        if isinstance(answer, Lease):
            alive = {name.decode() for name in self.bench.client.hkeys(self.bench.key("leases"))}
            self.zombies += [each for each in self.held if each.token not in alive]
            self.held = [each for each in self.held if each.token in alive] + [answer]

    @precondition(lambda self: self.held)
    @rule(index=indexes, whole=endings, moods=st.lists(endings | st.just("missing"), min_size=1, max_size=6))
    def settle(self, index: int, whole: ErrorClass | None, moods: list[Any]) -> None:
        """A call ends somehow."""
        lease = self.held.pop(index % len(self.held))
        assert self.bench.settle(lease, lambda targets: self._answer(targets, whole, moods))
        assert not self.bench.settle(lease)

    @precondition(lambda self: self.held)
    @rule(index=indexes)
    def stop_before_the_call(self, index: int) -> None:
        """A worker is told to stop: everything goes back."""
        lease = self.held.pop(index % len(self.held))
        settlement, plan = self.bench.open(lease)
        if plan.call:
            self.bench.judge.not_called(settlement, plan.call)
        assert self.bench.lanes.settle(settlement)

    @precondition(lambda self: self.held)
    @rule(index=indexes)
    def renew(self, index: int) -> None:
        """A call starts late."""
        assert self.bench.lanes.renew(self.held[index % len(self.held)].token) is not None

    @precondition(lambda self: self.zombies)
    @rule(index=indexes)
    def zombie_settles(self, index: int) -> None:
        """It changes nothing."""
        before = self.bench.books()
        zombie = self.zombies[index % len(self.zombies)]
        assert not self.bench.settle(zombie)
        assert self.bench.lanes.renew(zombie.token) is None
        assert self.bench.books() == before

    @rule(ms=st.sampled_from([0.4, 7, 25, 600, 2_000, 15_000, 70_000]))
    def time_passes(self, ms: float) -> None:
        """Up to the end of leases, delays and lives."""
        self.bench.advance(ms)

    @rule()
    def gate_opens(self) -> None:
        """Whatever closed it is over."""
        self.bench.client.delete(self.bench.key("gate"))

    # -- what holds after every step

    @invariant()
    def books_agree(self) -> None:
        """Every push that was counted in is in exactly one place."""
        books = self.bench.books()
        assert books.enqueued == len(self.receipts)
        states = Counter(self.bench.states(self.receipts.values()))
        assert states[State.PENDING] == books.pending
        for state, word in WORDS.items():
            assert states[state] == getattr(books, word), state
        assert sum(states.values()) == len(self.receipts)

    @invariant()
    def outcomes_are_final(self) -> None:
        """No push leaves its outcome."""
        for push_id, receipt in self.receipts.items():
            state = self.bench.state(receipt)
            assert self.final.get(push_id, state) is state
            if state.is_outcome:
                self.final[push_id] = state

    @invariant()
    def no_entry_is_leased_twice(self) -> None:
        """Among the leases that Redis knows, and whose holders live."""
        alive = {name.decode() for name in self.bench.client.hkeys(self.bench.key("leases"))}
        seen = Counter(each for lease in self.held if lease.token in alive for each in set(push_ids_of(lease)))
        assert not [push_id for push_id, times in seen.items() if times > 1]

    # -- helpers

    def _answer(self, targets: Any, whole: ErrorClass | None, moods: list[Any]) -> BatchAnswer:
        results = {}
        for index, target in enumerate(targets):
            mood = moods[index % len(moods)]
            if mood is None:
                results[target] = TargetResult("99")
            elif mood != "missing":
                results[target] = TargetResult("", fault(mood, 21030))
        return batch_answer(results if whole is None else None, None if whole is None else fault(whole, 21030))

    def _drain(self) -> None:
        self.held = []
        self.bench.client.delete(self.bench.key("gate"))
        for _ in range(400):
            answer = self.bench.lease(slot="drain")
            if isinstance(answer, Lease):
                assert self.bench.settle(answer)
            elif not self.bench.books().pending:
                break
            else:
                self.bench.advance(3_000)
        assert self.bench.books().pending == 0
        assert all(state.is_outcome for state in self.bench.states(self.receipts.values()))


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
