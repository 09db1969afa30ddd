"""The control paths of a running sandbox, spoken to by app name instead of AppKey."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

CONTROL_TIMEOUT_SECONDS = 30.0

Json = dict[str, Any]


class SandboxControl:
    """Looks at what reached the devices, scripts faults and moves the clock. Raises `httpx.HTTPError`."""

    def __init__(self, base_url: str, app_keys: Mapping[str, str]) -> None:
        self._app_keys = dict(app_keys)
        self._http = httpx.Client(base_url=f"{base_url}/_sandbox", timeout=CONTROL_TIMEOUT_SECONDS, trust_env=False)

    def counts(self, app: str | None = None, *, series: bool = False) -> Json:
        """The counts of one app; without a name everything: `apps` by AppKey, `total`, `refused`."""
        document = self._ask("GET", "/counts", query={"series": "1"} if series else None)
        return document if app is None else dict(document["apps"][self._app_keys[app]])

    def deliveries_summary(self, app: str | None = None) -> Json:
        """Deliveries, distinct devices and cids, duplicates."""
        return self._ask("GET", "/deliveries", query={"summary": "1", **self._app(app)})

    def deliveries(self, app: str | None = None, **filters: str | int) -> list[Json]:
        """The deliveries that match `target`, `cid`, `limit` (default 1,000) and `offset`."""
        page = self._ask("GET", "/deliveries", query={**filters, **self._app(app)})
        return list(page["deliveries"])

    def check(self, *, cids: Sequence[str] | None = None, targets: Sequence[str] | None = None) -> Json:
        """Compare what was delivered with what should have been, once each: `missing`, `surplus`."""
        return self._ask("POST", "/deliveries/check", {"targets": targets} if cids is None else {"cids": cids})

    def faults(self, rules: Sequence[Mapping[str, Any]], *, seed: int | None = None) -> list[Json]:
        """Add rules (README of the sandbox); an `app` in a rule is a name here. Returns all rules in force."""
        named = [{**rule, "app": self._app_keys[rule["app"]]} if "app" in rule else dict(rule) for rule in rules]
        answer = self._ask("POST", "/faults", {"rules": named} if seed is None else {"rules": named, "seed": seed})
        return list(answer["rules"])

    def clear_faults(self) -> None:
        """No faults from now on."""
        self._ask("DELETE", "/faults")

    def settings(self, **changes: Any) -> Json:
        """Change settings of the running sandbox, or just read them. A change starts the quota windows afresh."""
        return self._ask("POST", "/settings", changes) if changes else self._ask("GET", "/settings")

    def put_app(self, app: str, app_key: str, master_secret: str, quota: int | None = None) -> None:
        """Add an app, or change the secret and the quota of one that exists; `app` is its name from now on."""
        document = {"app_key": app_key, "master_secret": master_secret, "quota": quota}
        self._ask("POST", "/apps", document)
        self._app_keys[app] = app_key

    def clock(self, *, advance_seconds: float = 0.0, set_to: float | None = None) -> float:
        """Move the sandbox clock forward, or set it (unix seconds). Returns its time."""
        change: Json = {"advance_seconds": advance_seconds} if set_to is None else {"set": set_to}
        return float(self._ask("POST", "/clock", change)["now"])

    def reset(self) -> None:
        """Forget calls, deliveries, cids, faults and the clock's moves; settings stay."""
        self._ask("POST", "/reset")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _app(self, app: str | None) -> dict[str, str]:
        return {} if app is None else {"app": self._app_keys[app]}

    def _ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str | int] | None = None) -> Json:
        response = self._http.request(method, path, json=body, params=query)
        if response.is_error:
            raise httpx.HTTPStatusError(response.text, request=response.request, response=response)
        return dict(response.json())
