"""Command line of the sandbox. Every option has a line in README.md."""

import argparse
from collections.abc import Sequence
from typing import get_args

from sandbox.app import build_app
from sandbox.server import run
from sandbox.settings import (
    DEMO_APP_KEY,
    DEMO_GROUP_KEY,
    DEMO_GROUP_SECRET,
    DEMO_MASTER_SECRET,
    QuotaShape,
    Settings,
    with_changes,
)
from sandbox.world import Credential, World


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, build, serve. Returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        settings = _settings(options)
        credentials = _credentials(options.app_key, options.master_secret)
    except ValueError as error:
        parser.error(str(error))
    world = World(settings, credentials, Credential(options.group_key, options.group_secret))
    run(build_app(world), options.host, options.port)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local EngageLab push API.")
    serve = parser.add_subparsers(required=True, metavar="serve").add_parser("serve", help="start the HTTP server")
    serve.add_argument("--host", default="127.0.0.1", help="anyone who reaches it controls it; for containers only")
    serve.add_argument("--port", type=int, default=8900, help="0 takes a free port")
    serve.add_argument("--app-key", action="append", default=[], help="repeat with --master-secret for several apps")
    serve.add_argument("--master-secret", action="append", default=[])
    serve.add_argument("--group-key", default=DEMO_GROUP_KEY)
    serve.add_argument("--group-secret", default=DEMO_GROUP_SECRET)
    serve.add_argument("--quota", type=int, default=500, help="units per second of each app; 0 = unlimited")
    serve.add_argument("--quota-shape", choices=get_args(QuotaShape), default="fixed")
    serve.add_argument("--latency-ms", type=float, default=0.0)
    serve.add_argument("--cid-memory", choices=("on", "off"), default="on")
    serve.add_argument("--callback-url", action="append", default=[], help="accepted; callbacks are not sent yet")
    serve.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other setting (README)")
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    changes: dict[str, object] = {
        name: getattr(options, name) for name in ("quota", "quota_shape", "latency_ms", "cid_memory")
    }
    for entry in options.set:
        name, _, text = entry.partition("=")
        current = getattr(Settings(), name, "")
        changes[name] = text if isinstance(current, str) else type(current)(text)
    return with_changes(Settings(), changes)


def _credentials(keys: Sequence[str], secrets: Sequence[str]) -> list[Credential]:
    if len(keys) != len(secrets):
        raise ValueError("--app-key and --master-secret come in pairs")
    if len(set(keys)) != len(keys):
        raise ValueError("an --app-key stands twice")
    pairs = zip(keys, secrets, strict=True) if keys else [(DEMO_APP_KEY, DEMO_MASTER_SECRET)]
    return [Credential(key, secret) for key, secret in pairs]
