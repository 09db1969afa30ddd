"""The Lua scripts of the worker, each behind the shared prelude."""

from importlib import resources

from producers.connection import Script


def load_script(name: str) -> Script:
    """The script `lua/<name>.lua`, ready to run."""
    folder = resources.files(__package__).joinpath("lua")
    return Script(folder.joinpath("prelude.lua").read_text() + folder.joinpath(f"{name}.lua").read_text())
