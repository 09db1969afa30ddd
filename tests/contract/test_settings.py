"""Every setting is written down where people look for it, and nothing is written down that is no setting."""

import re
from pathlib import Path

from config.environment import ENV_FILE_VARIABLE
from config.settings import KNOWN_NAMES

ROOT = Path(__file__).parents[2]
EXAMPLE_APP = "PUSH_APPS__shop__"
PLAIN = sorted(f"PUSH_{name.upper()}" for name in KNOWN_NAMES.plain)
OF_APP = sorted(name.upper() for name in KNOWN_NAMES.of_app)


def example_variables() -> list[str]:
    """The variables of .env.example, commented out or not, in order."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return re.findall(r"^#?(PUSH_\w+)=", text, re.MULTILINE)


def test_the_example_file_lists_every_setting_once_and_no_other():
    assert sorted(example_variables()) == sorted([*PLAIN, *(EXAMPLE_APP + name for name in OF_APP)])


def test_every_variable_of_the_example_file_is_below_a_comment():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if re.match(r"#?PUSH_\w+=", line):
            assert re.match(r"# |#?PUSH_\w+=", before), line


def test_the_documentation_lists_every_setting():
    """By its whole name, or by a row for all of a prefix; the names of an app's settings by their end."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    pages = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    listed = re.findall(r"`([^`\s]*)`", pages)
    exact = {name for name in listed if not name.endswith("*")}
    prefixes = tuple(name.removesuffix("*") for name in listed if name.startswith("PUSH_") and name.endswith("__*"))
    ends = {name.rpartition("__")[2] for name in exact if "__" in name}
    missing = [name for name in [*PLAIN, ENV_FILE_VARIABLE] if name not in exact and not name.startswith(prefixes)]
    assert missing + [EXAMPLE_APP + name for name in OF_APP if name not in ends] == []
