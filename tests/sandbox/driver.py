"""Start a real sandbox as a process of its own and speak to it with httpx; ended by its own pid whatever happens."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET = "5a4db0a9900000000000c0de", "5ec4e75a4db0a9900000c0de"
OTHER_KEY, OTHER_SECRET = "0ff1ce00000000000000c0de", "0ff1ce5ec4e700000000c0de"
GROUP = ("group-96009a4db0a990000000c0de", "5ec4e796009a4db0a990c0de")
READY = "sandbox listening on "


class Sandbox:
    """A running server and a client that speaks as the first app."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, auth=(KEY, SECRET), timeout=5)

    def call(self, path: str, body: Any, method: str = "POST", auth: tuple[str, str] | None = None) -> httpx.Response:
        return self.http.request(method, path, json=body, auth=auth or (KEY, SECRET))

    def push(self, to: Any = None, **options: Any) -> httpx.Response:
        return self.call("/v4/push", push_request(to, **options))

    def batch(self, *targets: str, alias: bool = False, **options: Any) -> dict[str, Any]:
        items = [item(target, **options) for target in targets]
        answer = self.call(f"/v4/batch/push/{'alias' if alias else 'regid'}", {"requests": items})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def control(self, path: str, body: Any = None, method: str = "POST") -> dict[str, Any]:
        answer = self.http.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def settings(self, **changes: Any) -> None:
        self.control("settings", changes)

    def fault(self, kind: str, **fields: Any) -> None:
        self.control("faults", {"rules": [{"kind": kind, **fields}]})

    def counts(self) -> dict[str, Any]:
        return dict(self.control("counts", method="GET")["apps"][KEY])

    def deliveries(self, **query: Any) -> dict[str, Any]:
        return dict(self.http.get("/_sandbox/deliveries", params=query).json())

    def advance(self, seconds: float) -> None:
        self.control("clock", {"advance_seconds": seconds})


def push_request(to: Any = None, **options: Any) -> dict[str, Any]:
    """A valid push to one Android device."""
    body = {"platform": "android", "notification": {"android": {"alert": "Hello", "title": "Shop"}}}
    if options:
        body["options"] = options
    return {"to": to or {"registration_id": ["rid1"]}, "body": body}


def item(target: str, **options: Any) -> dict[str, Any]:
    """A valid batch item; `cid` may hold `{}` for the target."""
    filled = {key: value.format(target) if isinstance(value, str) else value for key, value in options.items()}
    return {
        "target": target,
        "platform": "android",
        "notification": {"android": {"alert": f"Hello {target}"}},
        **({"options": filled} if filled else {}),
    }


@contextmanager
def running(*options: str) -> Iterator[Sandbox]:
    """Start a server, yield it, end exactly this process."""
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith(READY), line
        sandbox = Sandbox(line.removeprefix(READY))
        yield sandbox
        sandbox.http.close()
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
