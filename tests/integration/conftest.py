"""The bench on both stores."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.lanes_fixture import Bench, connect


@pytest.fixture
def make_bench(any_redis: redis.Redis) -> Iterator[Callable[..., Bench]]:
    """Builds a bench with numbers of the test's choice."""
    store = connect(any_redis)

    def make(**options: Any) -> Bench:
        return Bench(store, any_redis, **options)

    yield make
    store.close()


@pytest.fixture
def make_real_bench(redis_client: redis.Redis) -> Iterator[Callable[..., Bench]]:
    """As `make_bench` on the real Redis alone, for what takes thousands of scripts."""
    store = connect(redis_client)

    def make(**options: Any) -> Bench:
        return Bench(store, redis_client, **options)

    yield make
    store.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """One app with the default numbers."""
    return make_bench()
