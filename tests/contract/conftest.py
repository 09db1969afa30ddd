"""One registered app on the real Redis."""

from collections.abc import Iterator

import pytest
import redis

from config.embedded import EmbeddedRedis
from producers import Producer
from tests.contract.apps import APP, register


@pytest.fixture
def shop(redis_client: redis.Redis) -> str:
    """The name of an app that a worker has registered."""
    register(redis_client)
    return APP


@pytest.fixture
def producer(redis_server: EmbeddedRedis, shop: str) -> Iterator[Producer]:
    """A producer on the real Redis."""
    made = Producer(redis_server.url)
    yield made
    made.close()
