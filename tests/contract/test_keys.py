"""Every Redis key that the system makes is declared in one registry, with its type; nothing declared is unused."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import cast

import pytest
import redis

from config.delivery import DeliverySettings
from config.embedded import EmbeddedRedis
from config.settings import AppSettings, Settings
from producers import Producer, keys
from producers.connection import DeadlineRedis
from producers.contract import LaneClass
from worker.api import BatchAnswer, Endpoint, ErrorClass, Fault, PushApi, TargetResult
from worker.calls import Caller
from worker.delivery import Delivery, Timing
from worker.gate import CredentialGate
from worker.intake import keep_stray
from worker.lanes import Lanes
from worker.memory import mark_if_full
from worker.registration import register_apps
from worker.settlement import Judge

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted([*(ROOT / "producers" / "lua").glob("*.lua"), *(ROOT / "worker" / "lua").glob("*.lua")])
APP_PART = keys.prefix("<app>")
FAULTS = {
    "refused": Fault(ErrorClass.TARGET, 21011, 200, "no such device", maybe_sent=False),
    "again": Fault(ErrorClass.TRANSIENT, 27000, 500, "internal error", maybe_sent=True),
    "lost": Fault(ErrorClass.AMBIGUOUS, None, None, "no answer", maybe_sent=True),
    "throttled": Fault(ErrorClass.THROTTLED, 23008, 200, "too fast", maybe_sent=False),
}


@dataclass
class Scanner:
    """Collects every key and its type, at each moment it is asked."""

    client: redis.Redis
    found: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        """Note what is there now: some keys live for one call only."""
        for name in self.client.scan_iter("*", count=1000):
            self.found[name.decode()] = cast(bytes, self.client.type(name)).decode()


@dataclass
class ScriptedApi:
    """Answers each target by its name: `refused1` is refused, and so on; everything else is accepted."""

    scanner: Scanner

    def batch(self, endpoint: Endpoint, body: bytes, targets: Sequence[str]) -> BatchAnswer:
        self.scanner.look()
        results = {
            target: TargetResult("" if fault else "odd" if target == "odd1" else "4711", fault)
            for target in targets
            for fault in [FAULTS.get(target.rstrip("0123456789"))]
        }
        return BatchAnswer(None, results, "throttled1" in targets, 200, 0.01)


@pytest.fixture
def settings(redis_server: EmbeddedRedis) -> Settings:
    """Numbers that let a scenario of minutes pass in a moment."""
    app = AppSettings(
        app_key="key", master_secret="not-a-secret", region="sgp", apns_production=True, quota_per_second=10_000
    )
    delivery = DeliverySettings(linger_ms=0, slice_ms=200, retry_base_ms=10, retry_cap_ms=10)
    return Settings(redis_url=redis_server.url, apps={"shop": app}, delivery=delivery)


@pytest.fixture
def connection(redis_server: EmbeddedRedis, redis_client: redis.Redis) -> Iterator[DeadlineRedis]:
    made = DeadlineRedis(redis_server.url, deadline_seconds=5.0)
    yield made
    made.close()


@pytest.fixture
def scenario(
    redis_client: redis.Redis, connection: DeadlineRedis, settings: Settings, redis_server: EmbeddedRedis
) -> dict[str, str]:
    """Every key of a small life: sends of all sorts, each outcome, a retry, a throttle, a stray."""
    scanner = Scanner(redis_client)
    numbers = settings.delivery
    lanes = Lanes(connection, "shop", 10_000, numbers, "0123456789ab")
    delivery = Delivery(lanes, Caller(cast(PushApi, ScriptedApi(scanner))), _judge(numbers), numbers, Timing())
    register_apps(connection, settings)
    _send_all_sorts(redis_server.url, redis_client)
    scanner.look()
    lanes.sweep(900)
    for lane_class in (LaneClass.URGENT, LaneClass.PUSH, LaneClass.PUSH, LaneClass.PUSH):
        slot = f"slot-{lane_class}"
        assert lanes.open_slot(lane_class, slot)
        delivery.run_slice(lane_class, slot)
        scanner.look()
        # The throttled slice ends with the gate closed; the retry of the next returns to a stream in the last.
        time.sleep(0.02)
        redis_client.hdel(keys.prefix("shop") + "gate", "throttled")
    keep_stray(connection, "push.send", "id", {"app": "nobody"}, "no such app")
    _tend(connection, redis_client)
    scanner.look()
    return scanner.found


def _tend(connection: DeadlineRedis, client: redis.Redis) -> None:
    """What the sweep leaves behind when credentials are refused, and memory runs out."""
    client.hset(keys.gate("shop"), "credentials", "0|0123456789ab|60000")
    assert CredentialGate(connection, "shop", "0123456789ab").wants_probe()
    client.config_set("maxmemory", 50_000_000)
    mark_if_full(connection, "shop", watermark_percent=1)
    client.config_set("maxmemory", 0)


def _judge(numbers: DeliverySettings) -> Judge:
    return Judge(numbers, Random(7))  # noqa: S311 - jitter


def _send_all_sorts(url: str, client: redis.Redis) -> None:
    producer = Producer(url)
    producer.send(app="shop", registration_id="device1", notification="hi", lane="urgent", idempotency_key="k")
    producer.send(app="shop", alias="late1", notification="hi", expires_in=0.001)
    producer.send(app="shop", alias="again1", notification="hi")
    producer.send(app="shop", registration_id="lost1", notification="hi", lane="urgent", expires_in=5)
    producer.send(app="shop", registration_id="odd1", notification="hi", lane="urgent")
    gone = producer.send(app="shop", registration_id="cancelled1", notification="hi")
    assert producer.cancel(gone.push_id, app="shop").is_effective
    targets = ["device1", "refused1", "throttled1", "throttled2", "throttled3", "throttled4"]
    producer.send_to_many(app="shop", registration_ids=targets, notification="hi")
    producer.close()
    client.xadd(keys.prefix("shop") + "lane:transactional:regid", {"h": "malformed", "b": "{}"})


def test_every_key_belongs_to_exactly_one_row_and_has_its_type(scenario):
    for name, type_of in scenario.items():
        rows = [spec for spec in keys.REGISTRY if spec.matches(name)]
        assert [row.type for row in rows] == [type_of], name
        assert keys.spec_of(name) is rows[0]


def test_every_row_is_in_use(scenario):
    used = {spec.pattern for name in scenario for spec in keys.REGISTRY if spec.matches(name)}
    assert [spec.pattern for spec in keys.REGISTRY if spec.pattern not in used] == []


def test_no_key_name_holds_a_target_or_an_idempotency_key(scenario):
    assert [name for name in scenario if re.search(r"device|refused|throttled\d|again\d|late\d|:k$", name)] == []


def test_every_key_of_an_app_carries_its_hash_tag(scenario):
    of_apps = {name for name in scenario if name not in (keys.APPS, "push:strays")}
    assert of_apps
    assert all(name.startswith("push:{shop}:") for name in of_apps)


@pytest.mark.parametrize("row", keys.REGISTRY, ids=lambda row: row.pattern)
def test_every_row_says_what_it_is_whose_it_is_how_far_it_grows_and_what_it_costs(row):
    assert row.type in {"string", "list", "hash", "set", "zset", "stream"}
    assert row.owner in {"producer", "worker"}
    assert all((row.holds, row.bound, row.price))


def literals_of(script: Path) -> set[str]:
    """The key names, or their beginnings up to a colon, that a script puts behind the prefix of the app."""
    code = re.sub(r"--.*", "", script.read_text(encoding="utf-8"))
    return {*re.findall(r"\bp \.\. '([^']+)'", code), *re.findall(r"'([a-z]+:)'", code)}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_every_key_in_a_script_is_in_the_registry(script):
    patterns = [spec.pattern.removeprefix(APP_PART) for spec in keys.REGISTRY]
    missing = [
        literal
        for literal in literals_of(script)
        if not any(row == literal or (literal.endswith(":") and row.startswith(literal)) for row in patterns)
    ]
    assert missing == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_a_script_is_given_one_key_and_derives_the_rest_from_it(script):
    code = script.read_text(encoding="utf-8")
    assert set(re.findall(r"KEYS\[(\d+)\]", code)) <= {"1"}
    assert "'push:" not in re.sub(r"--.*", "", code)


def test_the_scripts_were_found():
    assert {script.name for script in SCRIPTS} >= {"enqueue.lua", "prelude.lua", "lease.lua", "settle.lua"}
    enqueue = next(script for script in SCRIPTS if script.name == "enqueue.lua")
    assert {"profile", "idem:", "counts"} <= literals_of(enqueue)


@pytest.mark.parametrize("name", ["push:{shop}:nothing", "push:{shop}:lane:urgent", "push:shop:profile", "other"])
def test_a_key_that_nobody_declared_belongs_to_no_row(name):
    assert keys.spec_of(name) is None
