"""What holds for every command: help, shape of errors, the missing extra, the weight of the start."""

import os
import re
import subprocess
import sys

import pytest
import typer

from producers.cli import NEEDS_EXTRA, main, output, run
from producers.cli.output import Answer, show_answer

SINGLE = ("send", "push", "batch", "group-push", "validate", "status", "cancel")
GROUPS = (*SINGLE, "dead", "apps")
COMMANDS = (
    *SINGLE,
    *(f"dead {verb}" for verb in ("list", "show", "replay", "purge")),
    *(f"apps {verb}" for verb in ("list", "pause", "resume")),
)


def in_a_fresh_interpreter(code: str) -> subprocess.CompletedProcess[str]:
    """Run some Python as a user's shell would."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)


def test_every_group_is_listed_and_explained(pushctl):
    assert pushctl("--help") == 0
    assert [name for name in GROUPS if re.search(rf"^  {name} +\S", pushctl.out, re.MULTILINE)] == list(GROUPS)
    assert len(run.GROUPS) == len(GROUPS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json_examples_and_described_options(pushctl, command):
    assert pushctl(*command.split(), "--help") == 0
    assert re.search(rf"Examples:\n    pushctl {command}\b", pushctl.out)
    assert "--json" in pushctl.out
    described = re.findall(r"^  --[a-z-]+(?: [A-Z]+)?  +(\S)", pushctl.out, re.MULTILINE)
    assert len(described) == len(re.findall(r"^  --", pushctl.out, re.MULTILINE))


def test_without_a_command_the_help_is_shown_and_the_usage_was_wrong(pushctl):
    assert pushctl() == 2
    assert pushctl.out.startswith("Usage: pushctl")


@pytest.mark.parametrize("group", ["dead", "apps"])
def test_a_group_explains_itself_and_wants_a_command(pushctl, group):
    assert pushctl(group, "--help") == 0
    assert f"Examples:\n    pushctl {group} list" in pushctl.out
    assert pushctl(group) == 2
    assert pushctl.err == f"pushctl: Missing command; try 'pushctl {group} --help'\n"


def test_wrong_usage_of_a_command_in_a_group_names_its_help(pushctl):
    assert pushctl("dead", "show") == 2
    assert pushctl.err.endswith("; try 'pushctl dead show --help'\n")


def test_an_unknown_command_is_one_line_on_stderr(pushctl):
    assert pushctl("sned") == 2
    assert pushctl.out == ""
    assert re.fullmatch(r"pushctl: No such command 'sned'.*; try 'pushctl --help'\n", pushctl.err)


@pytest.mark.parametrize(
    "words", [("send", "--app", "shop", "--alias", "a", "--alert", "hi"), ("dead", "list", "--app", "shop")]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(capsys, words):
    assert main([*words, "--redis-url", "http://u:s3cret@host"]) == 2
    captured = capsys.readouterr()
    assert "--redis-url" in captured.err
    assert "s3cret" not in captured.err + captured.out


def test_ctrl_c_is_no_traceback(capsys, monkeypatch):
    class Interrupted:
        def __call__(self, **_):
            raise typer.Abort

    monkeypatch.setattr(run, "build_app", Interrupted)
    assert main(["status"]) == run.INTERRUPTED
    assert capsys.readouterr().err == "pushctl: interrupted\n"


@pytest.mark.parametrize("missing", ["typer", "rich"])
@pytest.mark.parametrize("entry", ["producers.cli", "producers.cli.__main__"])
def test_without_the_extra_it_is_named_in_one_line(missing, entry):
    code = f"import runpy, sys; sys.modules[{missing!r}] = None; sys.argv = ['pushctl', 'send']\n"
    start = "import producers.cli as c; sys.exit(c.main())" if entry == "producers.cli" else "runpy.run_module(NAME)"
    done = in_a_fresh_interpreter(code + start.replace("NAME", repr(entry)))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"pushctl: {NEEDS_EXTRA}\n")


def test_help_loads_neither_celery_nor_the_workers_side():
    done = in_a_fresh_interpreter(
        "import sys, producers.cli as c; code = c.main(['--help'])\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr); sys.exit(code)"
    )
    assert done.returncode == 0
    loaded = set(re.findall(r"'(\w+)'", done.stderr))
    assert "producers" in loaded
    assert not loaded & {"celery", "kombu", "httpx", "tenacity", "pydantic_settings", "config", "worker"}


def test_a_terminal_gets_the_same_words_in_colour(monkeypatch):
    master, slave = os.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as terminal, os.fdopen(master, "rb") as screen:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert (
            show_answer(Answer({"push_id": "p", "state": "accepted", "reason": "[x] " + "y" * 200}), as_json=False) == 0
        )
        terminal.flush()
        shown = ""
        while shown.count("\n") < 3:
            shown += screen.read1(4096).decode()
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
    assert plain == f"push_id  p\nstate    accepted\nreason   [x] {'y' * 200}\n"


def test_exit_codes_are_the_documented_ones():
    assert (output.DONE, output.FAILED, output.USAGE) == (0, 1, 2)
