"""A complete environment to spoil, and a folder without a .env file."""

from pathlib import Path

import pytest

SECRET = "s3cr3t-of-the-shop"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def environ() -> dict[str, str]:
    """The least that starts a worker: one app."""
    return {
        "PUSH_APPS__shop__APP_KEY": "key-of-the-shop",
        "PUSH_APPS__shop__MASTER_SECRET": SECRET,
        "PUSH_APPS__shop__REGION": "sgp",
    }
