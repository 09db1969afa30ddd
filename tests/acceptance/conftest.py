"""Stacks that several tests share: starting one costs two seconds."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from sandbox.stack import SandboxOptions, Stack

POOLS = {"threads": 16, "prefork": 2}


@pytest.fixture(scope="module")
def running_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stack]]:
    # Kept side by side: in random order the pools alternate, and a fixture per pool would start anew each time.
    with contextlib.ExitStack() as cleanup:
        running: dict[str, Stack] = {}

        def start_once(pool: str) -> Stack:
            if pool not in running:
                stack = Stack(
                    tmp_path_factory.mktemp(pool),
                    pool=pool,
                    concurrency=POOLS[pool],
                    sandbox=SandboxOptions(quota=5000),
                )
                running[pool] = cleanup.enter_context(stack)
            return running[pool]

        yield start_once


@pytest.fixture(params=POOLS)
def stack(request: pytest.FixtureRequest, running_on: Callable[[str], Stack]) -> Stack:
    """A running system with one worker, on each pool in turn; its sandbox has seen nothing yet."""
    running: Stack = running_on(request.param)
    running.wait_drained()
    running.sandbox.reset()
    return running
