"""What the figures were measured on: the head of the result file."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def describe_run(load_at_start: float) -> dict[str, str]:
    """Date, machine, how busy it was, and the versions that matter, as the first keys of the result file."""
    packages = ("celery", "kombu", "redis", "httpx", "pydantic")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {platform.system()}, everything on this machine",
        "load_at_start": f"{load_at_start:.2f}",
        "python": platform.python_version(),
        **{f"version.{name}": version(name) for name in packages},
    }


def _processor() -> str:
    # platform.processor() is empty or just the architecture on Linux.
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
