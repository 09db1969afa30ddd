"""What the control API shows: counts per app, and what reached which device."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.calls import Json
from sandbox.deliveries import Delivery
from sandbox.world import App, World

_SAMPLE = 20
_ADDED_UP = ("calls", "units_asked", "units_admitted", "units_throttled", "deliveries", "cid_hits", "withdrawn")
_ADDED_UP_AFTER_A_LOOK = ("distinct_devices", "duplicates", "duplicate_cids", "duplicate_contents")


def counts(world: World, parts: frozenset[str]) -> Json:
    """Everything counted, per app and added up.

    `parts` may hold `series` (one row per call) and `duplicates`, which looks at every new delivery: about a second
    per million, during which no call is answered. Leave it out while polling a fast run.
    """
    apps = {app.key: _app_counts(app) for app in world.apps.values()}
    names: tuple[str, ...] = _ADDED_UP
    for key, entry in apps.items():
        if "duplicates" in parts:
            entry |= _duplicate_counts(world.apps[key])
        if "series" in parts:
            entry["series"] = world.apps[key].tally.series()
    if "duplicates" in parts:
        names += _ADDED_UP_AFTER_A_LOOK
    total: Json = {name: sum(entry[name] for entry in apps.values()) for name in names}
    for name in ("requests", "errors"):
        total[name] = dict(sum((Counter(entry[name]) for entry in apps.values()), Counter()))
    moment = world.clock.read()
    return {
        "apps": apps,
        "total": total,
        "refused": {str(code): count for code, count in sorted(world.refused.items())},
        "quota_shape": world.settings.quota_shape,
        "now": moment.now,
        "arrival_now": moment.arrival,
    }


def _app_counts(app: App) -> Json:
    tally = app.tally.summary()
    return {"quota": app.quota, **tally, "deliveries": len(app.log), "withdrawn": len(app.withdrawn)}


def _duplicate_counts(app: App) -> Json:
    duplicates = app.log.duplicates()
    return {
        "distinct_devices": len(duplicates.devices),
        "duplicates": duplicates.deliveries,
        "duplicate_cids": duplicates.by_cid,
        "duplicate_contents": duplicates.by_content,
    }


@dataclass(frozen=True, slots=True)
class Query:
    """Filters and page of `GET /deliveries`."""

    target: str | None
    cid: str | None
    app: str | None
    limit: int
    offset: int

    @classmethod
    def read(cls, params: Mapping[str, str]) -> "Query":
        """From the query string. Raises ValueError for a limit or offset that is not a number."""
        page = int(params.get("limit", "1000")), int(params.get("offset", "0"))
        if min(page) < 0:
            raise ValueError("limit and offset must be at least 0")
        return cls(params.get("target"), params.get("cid"), params.get("app"), *page)


def _apps(world: World, query: Query) -> list[App]:
    return [app for app in world.apps.values() if query.app in (None, app.key)]


def _matching(world: World, query: Query) -> Iterator[Delivery]:
    for app in _apps(world, query):
        for delivery in app.log:
            if query.target in (None, delivery.target) and query.cid in (None, delivery.cid):
                yield delivery


def deliveries(world: World, query: Query) -> Json:
    """One page of deliveries, by app and in order of time; `total` counts all that match."""
    page, total = [], 0
    for delivery in _matching(world, query):
        if query.offset <= total < query.offset + query.limit:
            page.append(delivery)
        total += 1
    return {"total": total, "deliveries": [_row(delivery) for delivery in page]}


def _row(delivery: Delivery) -> Json:
    row = delivery._asdict()
    del row["content"]
    row["msg_id"] = str(delivery.msg_id)
    return row


def summary(world: World, query: Query) -> Json:
    """Numbers about the deliveries of one app or all."""
    seen = [app.log.duplicates() for app in _apps(world, query)]
    repeated = [cid for entry in seen for cid in entry.repeated_cids]
    return {
        "deliveries": sum(len(app.log) for app in _apps(world, query)),
        "distinct_devices": sum(len(entry.devices) for entry in seen),
        "distinct_cids": sum(len(entry.cids) for entry in seen),
        "duplicates": sum(entry.deliveries for entry in seen),
        "duplicated_cids": len(repeated),
        "duplicated_cids_sample": repeated[:_SAMPLE],
    }


def check(world: World, expected: Any) -> Json:
    """Compare deliveries with what was meant to arrive: `{"cids": [...]}` or `{"targets": [...]}`, once each."""
    column = "cid" if "cids" in expected else "target"
    wanted = Counter(expected["cids"] if column == "cid" else expected["targets"])
    got = Counter(getattr(delivery, column) for app in world.apps.values() for delivery in app.log)
    missing, surplus = wanted - got, got - wanted
    return {
        "expected": wanted.total(),
        "delivered": got.total(),
        "missing": missing.total(),
        "missing_sample": list(missing)[:_SAMPLE],
        "surplus": surplus.total(),
        "surplus_sample": list(surplus)[:_SAMPLE],
    }
