"""Figures (full only): whether a deep backlog slows delivery down."""

from sandbox.stack import Stack

from .backlog import Backlog
from .figures import Spec, at_least
from .percentiles import median
from .run import Run

SMALL, LARGE = "drain_10k_sends_per_second", "drain_1m_sends_per_second"
FIGURES = (
    Spec(SMALL, "drain rate at the start of a backlog of 10,000", "/s"),
    Spec(LARGE, "drain rate at the start of a backlog of 1,000,000", "/s"),
    Spec("drain_1m_over_10k", "backlog of 1,000,000 against 10,000, same run", "x", at_least(0.9)),
    Spec("drain_1m_whole_sends_per_second", "backlog of 1,000,000 drained to the end", "/s"),
)
FEW, MANY = 10_000, 1_000_000
MEASURED = 8_000
ROUNDS = 11


def measure(run: Run) -> None:
    """The same short drain from both backlogs, then the large one to its end."""
    few, many = run.size(FEW, 1_000), run.size(MANY, 20_000)
    part = few * MEASURED // FEW
    with run.stack(workers=2) as stack:
        small = _small(stack, few, part)
    with run.stack(workers=2) as stack:
        backlog = Backlog(stack)
        backlog.pause()
        backlog.fill(many)
        large = _large(backlog, part)
        left = many - backlog.outcomes()
        whole = left / backlog.drain(left)
        backlog.check()
        backlog.close()
    how = f"from opening to outcome {part}, median of {ROUNDS} rounds, 2 worker processes, no quota limit"
    run.record(SMALL, median(small), f"{how}; the lane holds {few} at each opening")
    run.record(LARGE, median(large), f"{how}; the lane holds {many} at first and is not refilled")
    run.record_ratio("drain_1m_over_10k", LARGE, SMALL, "both sides of this run")
    run.record("drain_1m_whole_sends_per_second", whole, f"the {left} sends that were left, in one go")


def _small(stack: Stack, few: int, part: int) -> list[float]:
    backlog = Backlog(stack)
    rates = []
    for _ in range(ROUNDS):
        backlog.pause()
        backlog.fill(few)
        rates.append(part / backlog.drain(part))
        stack.wait_drained()
    backlog.check()
    backlog.close()
    return rates


def _large(backlog: Backlog, part: int) -> list[float]:
    rates = []
    for _ in range(ROUNDS):
        rates.append(part / backlog.drain(part))
        backlog.pause()
    return rates
