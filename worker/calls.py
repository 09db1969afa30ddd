"""Which HTTP request a lease becomes: endpoint, body, credentials. A kind always goes through the same endpoint."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from producers.contract import Kind
from producers.entry import Entry

from .api import BatchAnswer, Endpoint, ErrorClass, Fault, PushApi, SingleAnswer

Answer = BatchAnswer | SingleAnswer

BATCH_ENDPOINTS = {Kind.REGID: Endpoint.BATCH_REGID, Kind.ALIAS: Endpoint.BATCH_ALIAS}
NO_GROUP = Fault(ErrorClass.PERMANENT, None, None, "this worker has no group credentials for the app", maybe_sent=False)
_PROBE = (
    b'{"to":{"registration_id":["credential-probe"]},"request_id":"credential-probe",'
    b'"body":{"platform":"android","notification":{"alert":"credential-probe"}}}'
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes the calls of one app. With `validate_only` the API checks every push and sends none (mode `validate`)."""

    api: PushApi
    group_api: PushApi | None = None
    validate_only: bool = False

    def call(self, kind: Kind, entries: Sequence[Entry], now_ms: int) -> Answer:
        """Send `entries`, which share a kind: one, or many of a batch kind. Never raises for an outcome."""
        if self.validate_only or kind is Kind.VALIDATE:
            body = validation_request(entries[0], kind)
            return self.api.single(body, endpoint=Endpoint.VALIDATE, targets=[entries[0].target])
        if kind.is_batch:
            targets = [entry.target for entry in entries]
            return self.api.batch(BATCH_ENDPOINTS[kind], batch_body(entries, now_ms), targets)
        if kind is Kind.GROUP:
            if self.group_api is None:
                return SingleAnswer(NO_GROUP, "", None, 0.0)
            return self.group_api.group(entries[0].body_at(now_ms))
        return self.api.single(entries[0].body_at(now_ms))

    def probe(self) -> Fault | None:
        """Ask the API to validate a push that cannot exist: what it says of the credentials, and nothing is sent."""
        return self.api.single(_PROBE, endpoint=Endpoint.VALIDATE).fault

    def close(self) -> None:
        """Close the connections."""
        self.api.close()
        if self.group_api is not None:
            self.group_api.close()


def batch_body(entries: Sequence[Entry], now_ms: int) -> bytes:
    """The body of one batch call: the items as they were encoded, joined."""
    return b'{"requests":[' + b",".join([entry.body_at(now_ms) for entry in entries]) + b"]}"


def validation_request(entry: Entry, kind: Kind) -> bytes:
    """The single push request that stands for `entry` at the validate endpoint; batch items have none of their own."""
    if not kind.is_batch:
        return entry.body
    item = json.loads(entry.body)
    audience = "registration_id" if kind is Kind.REGID else "alias"
    kept = {name: item.pop(name) for name in ("custom_args",) if name in item}
    return json.dumps(
        {"to": {audience: [item.pop("target")]}, "request_id": entry.push_id, **kept, "body": item}
    ).encode()
