"""One server for all tests of this folder, emptied before each."""

from collections.abc import Iterator

import pytest

from tests.sandbox.driver import KEY, OTHER_KEY, OTHER_SECRET, SECRET, Sandbox, running


@pytest.fixture(scope="session")
def _server() -> Iterator[Sandbox]:
    keys = ("--app-key", KEY, "--master-secret", SECRET, "--app-key", OTHER_KEY, "--master-secret", OTHER_SECRET)
    with running(*keys) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_server: Sandbox) -> Sandbox:
    """An empty sandbox with default settings and two apps."""
    defaults = {"quota": 500, "quota_shape": "fixed", "quota_scope": "all", "throttle_status": 400}
    defaults |= {"latency_ms": 0, "cid_memory": "on", "cid_scope": "app", "cid_hits_cost": "on", "group_cid": "off"}
    defaults |= {"list_push_units": 1, "list_unknown": "drop", "mixed_payload": "21306", "unknown_fields": "accept"}
    _server.control("settings", {**defaults, "alias_charset": "documented", "p8_certificate": "on"})
    _server.control("reset")
    return _server
