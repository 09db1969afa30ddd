"""The wheel holds the client library and nothing else, and works inside an application with its own `config`."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from producers.entry import read_entry
from tests.contract.interpreter import run_python

ROOT = Path(__file__).parents[2]

APPLICATION = """
import json, sys
import config, worker
from producers import Producer
import producers
producer = Producer.from_env()
receipt = producer.send(app="shop", registration_id="rid-of-the-application", notification={"alert": "hi"})
print(json.dumps({
    "whose": [config.WHOSE, worker.WHOSE],
    "library": producers.__file__,
    "push_id": receipt.push_id,
    "state": receipt.status().state.word,
    "loaded": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with what is installed: no network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, and the third-party packages of this one.

    They come in by a .pth file that names our site-packages. Python does not read .pth files of a folder that came in
    that way, so the editable install of this checkout stays out.
    """
    folder = tmp_path_factory.mktemp("application-environment")
    venv.create(folder, with_pip=False, symlinks=True)
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=paths))
    python = Path(sysconfig.get_path("scripts", vars=paths)) / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*install, "--disable-pip-version-check", str(wheel)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "third_party.pth").write_text("\n".join(sorted(ours)) + "\n")
    return python


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder of somebody else's code, whose packages have the names of ours."""
    for package in ("config", "worker"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f"WHOSE = 'the application'; __name__ = {package!r}\n")
    return tmp_path


def test_the_wheel_holds_the_producers_only(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "producers").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == sources
    assert {"producers/py.typed", "producers/lua/enqueue.lua", "producers/cli/__main__.py"} <= packed


def test_its_metadata_name_the_command_and_only_light_dependencies(wheel):
    with zipfile.ZipFile(wheel) as archive:
        texts = {name.rpartition("/")[2]: archive.read(name).decode() for name in archive.namelist() if "info/" in name}
    assert "pushctl = producers.cli:main" in texts["entry_points.txt"]
    required = [
        line.partition(":")[2].strip()
        for line in texts["METADATA"].splitlines()
        if line.startswith("Requires-Dist:") and "extra ==" not in line
    ]
    assert sorted(name.partition("[")[0].partition(">")[0] for name in required) == ["celery", "pydantic", "redis"]


@pytest.mark.timeout(120)
def test_an_application_with_its_own_config_and_worker_enqueues(
    python, application, redis_server, redis_client, shop, monkeypatch
):
    monkeypatch.setenv("PUSH_REDIS_URL", redis_server.url)
    answer = run_python(APPLICATION, python=python, cwd=application)
    assert answer["whose"] == ["the application"] * 2
    assert Path(answer["library"]).is_relative_to(python.parent.parent)
    assert answer["state"] == "pending"
    assert not {"celery", "httpx", "tenacity", "pydantic_settings"} & {*answer["loaded"]}
    ((_, fields),) = redis_client.xrange("push:{shop}:lane:transactional:regid")
    entry = read_entry(fields[b"h"], fields[b"b"])
    assert (entry.push_id, entry.target) == (answer["push_id"], "rid-of-the-application")


@pytest.mark.timeout(120)
def test_pushctl_of_the_wheel_enqueues(python, application, redis_server, redis_client, shop):
    command = [str(python.parent / "pushctl"), "send", "--app", "shop", "--alias", "user_42", "--alert", "hi", "--json"]
    done = subprocess.run(
        [*command, "--redis-url", redis_server.url],
        capture_output=True,
        text=True,
        cwd=application,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert redis_client.xlen("push:{shop}:lane:transactional:alias") == 1
