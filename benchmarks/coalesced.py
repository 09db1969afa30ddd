"""Figure: sends per second drained end to end from a prefilled backlog, and how many times the naive way that is."""

from .backlog import Backlog
from .figures import Spec, at_least
from .naive_rate import NAME as NAIVE
from .percentiles import median
from .run import Run

NAME = "coalesced_sends_per_second"
RATIO = "coalesced_over_naive"
FIGURES = (
    Spec(NAME, "coalesced: drained end to end from a backlog", "/s", at_least(35_000)),
    Spec(RATIO, "coalesced against naive, same run", "x", at_least(120)),
)
SENDS = 100_000
ROUNDS = 3
WORKERS = (1, 2)


def measure(run: Run) -> None:
    """Drain with one and with two worker processes; the better median counts."""
    count = run.size(SENDS, 1_000)
    rates = {workers: median(drain_rates(run, workers, count)) for workers in WORKERS}
    for workers, rate in rates.items():
        run.say(f"  {workers} worker process(es): {rate:,.0f}/s")
    best = max(rates, key=lambda workers: rates[workers])
    run.notes["coalesced_workers"] = best
    run.record(
        NAME,
        rates[best],
        f"{count} sends of 300 bytes from a lane filled beforehand, from opening it to the last outcome recorded; "
        f"default settings, no quota limit, median of {ROUNDS} rounds, best of {WORKERS} worker processes: {best}; "
        "Redis append-only file everysec",
    )
    run.record_ratio(RATIO, NAME, NAIVE, "both sides of this run")


def drain_rates(run: Run, workers: int, count: int) -> list[float]:
    """Sends per second of each round, one stack for all of them."""
    rates = []
    with run.stack(workers=workers) as stack:
        backlog = Backlog(stack)
        for _ in range(ROUNDS):
            backlog.pause()
            backlog.fill(count)
            rates.append(count / backlog.drain(count))
        backlog.check()
        backlog.close()
    return rates
