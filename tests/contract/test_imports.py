"""`import producers` is light, and its public names are the promised ones."""

import inspect
from enum import Enum
from pathlib import Path

import pytest

import producers
from tests.contract.interpreter import run_python

WORKER_SIDE = {"httpx", "httpcore", "tenacity", "pydantic_settings", "config", "worker", "sandbox", "dotenv", "uvicorn"}
LOADED = "import json, sys, {module}; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"


@pytest.mark.parametrize("module", ["producers", "producers.testing", "producers.contract", "producers.cli"])
def test_it_loads_nothing_of_the_workers_side_and_nothing_of_celery(module, tmp_path):
    loaded = set(run_python(LOADED.format(module=module), cwd=tmp_path))
    assert "producers" in loaded
    assert not loaded & WORKER_SIDE
    assert not loaded & {"celery", "kombu", "billiard", "vine"}


def test_the_library_loads_neither_typer_nor_rich(tmp_path):
    assert not set(run_python(LOADED.format(module="producers, producers.testing"), cwd=tmp_path)) & {"typer", "rich"}


def test_public_names_are_those_of_all():
    names = {name for name, value in vars(producers).items() if name[0] != "_" and not inspect.ismodule(value)}
    assert sorted(names) == producers.__all__


@pytest.mark.parametrize("name", producers.__all__)
def test_every_public_name_is_documented(name):
    text = inspect.getdoc(getattr(producers, name)) or ""
    # Dataclasses get a generated docstring that only repeats the signature.
    assert text.strip()
    assert not text.startswith(f"{name}(")


@pytest.mark.parametrize("name", producers.__all__)
def test_every_public_method_is_documented(name):
    value = getattr(producers, name)
    own = {
        member: function
        for member, function in vars(value).items()
        if not member.startswith("_") and not isinstance(function, Enum) and _is_ours(function)
    }
    assert [member for member, function in own.items() if not inspect.getdoc(function)] == []


def _is_ours(value: object) -> bool:
    function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return inspect.isfunction(function) and function.__module__.startswith("producers")


def test_the_package_is_marked_as_typed():
    assert (Path(producers.__file__).parent / "py.typed").is_file()
