"""Logs: named events with fields, readable or JSON, and no configured secret in any line."""

import io
import json
import logging
import warnings
from base64 import b64encode

import pytest

from config.logs import MASK, Redaction, configure_logging, event
from config.settings import Settings

LIBRARIES = ("celery.app.trace", "celery.worker.strategy", "celery.beat", "urllib3", "asyncio")
SECRET = 'q"uote\\ü secret'
APP = {"app_key": "key", "master_secret": SECRET, "region": "sgp", "group_key": "gk", "group_secret": "group-only"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_before():
    root = logging.getLogger()
    loggers = {name: logging.getLogger(name) for name in ("httpx", "httpcore", *LIBRARIES)}
    levels = {name: logger.level for name, logger in loggers.items()}
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], root.level = before
    for name, logger in loggers.items():
        logger.setLevel(levels[name])
    logging.captureWarnings(False)


def logged(stream: io.StringIO, log_format: str = "auto", level: str = "INFO") -> io.StringIO:
    settings = Settings(
        apps={"shop": APP}, redis_url="redis://:red%40is-pw@h/0", log_format=log_format, log_level=level
    )
    configure_logging(settings, stream)
    return stream


def test_an_event_is_one_readable_line_on_a_terminal():
    stream = logged(Terminal())
    event("push.call.settled", app="shop", calls=3, note="two words")
    assert stream.getvalue()[8:] == ' INFO    push.call.settled app=shop calls=3 note="two words"\n'


def test_an_event_is_one_json_object_elsewhere():
    stream = logged(io.StringIO())
    event("push.call.settled", level=logging.WARNING, app="shop", calls=3, done=None)
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "WARNING", "event": "push.call.settled", "app": "shop", "calls": 3, "done": None}


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"), [("json", Terminal(), True), ("terminal", io.StringIO(), False)]
)
def test_the_setting_overrides_the_guess(log_format, stream, is_json):
    logged(stream, log_format)
    event("push.app.opened")
    assert stream.getvalue().startswith("{") is is_json


def test_other_libraries_pass_through_with_their_name():
    stream = logged(Terminal())
    logging.getLogger("celery.worker").warning("lost %s", "it")
    assert stream.getvalue()[8:] == " WARNING celery.worker: lost it\n"
    stream = logged(io.StringIO())
    logging.getLogger("celery.worker").warning("lost %s", "it")
    line = json.loads(stream.getvalue())
    assert (line["logger"], line["message"]) == ("celery.worker", "lost it")


def test_a_field_cannot_pose_as_the_event_itself():
    stream = logged(io.StringIO())
    event("push.call.settled", level=logging.INFO, event="forged", time="never")
    line = json.loads(stream.getvalue())
    assert line["event"] == "push.call.settled"
    assert line["time"] != "never"


def test_a_field_cannot_start_a_new_line():
    stream = logged(Terminal())
    event("push.call.refused", reason="a\n12:00:00 INFO push.forged")
    assert len(stream.getvalue().splitlines()) == 1


def test_a_level_below_the_setting_is_not_logged():
    stream = logged(io.StringIO(), level="ERROR")
    event("push.call.settled")
    assert stream.getvalue() == ""


def test_configuring_twice_logs_once():
    logged(io.StringIO())
    stream = logged(io.StringIO())
    event("push.call.settled")
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize("library", ["httpx", "celery.app.trace", "celery.worker.strategy"])
def test_libraries_do_not_log_each_request_or_task_but_their_failures(library):
    stream = logged(io.StringIO())
    logging.getLogger(library).info("done")
    assert stream.getvalue() == ""
    logging.getLogger(library).error("failed")
    assert "failed" in stream.getvalue()


@pytest.mark.parametrize("log_format", ["json", "terminal"])
@pytest.mark.parametrize(
    "leak",
    [
        SECRET,
        "group-only",
        "red@is-pw",
        "red%40is-pw",
        "Basic " + b64encode(f"key:{SECRET}".encode()).decode(),
        "Basic " + b64encode(b"group-gk:group-only").decode(),
    ],
)
def test_no_secret_reaches_a_line_in_any_form(log_format, leak):
    stream = logged(io.StringIO(), log_format)
    event("push.call.refused", reason=leak)
    logging.getLogger("other").error("text %s", leak)
    try:
        raise ValueError(leak)
    except ValueError:
        event("push.call.broken", exc_info=True)
    text = stream.getvalue()
    assert MASK in text
    for form in (leak, leak.removeprefix("Basic "), json.dumps(leak)[1:-1], json.dumps(leak, ensure_ascii=False)[1:-1]):
        assert form not in text


def test_a_traceback_is_kept():
    stream = logged(io.StringIO())
    try:
        raise ValueError("broken")
    except ValueError:
        event("push.slice.broken", level=logging.ERROR, exc_info=True)
    assert "ValueError: broken" in json.loads(stream.getvalue())["traceback"]


def test_a_secret_that_begins_another_leaves_no_rest():
    assert Redaction(["abcd", "abcdefgh"])("x abcdefgh y abcd") == f"x {MASK} y {MASK}"


def test_a_very_short_secret_does_not_black_out_the_log():
    assert Redaction(["a", ""])("a banana") == "a banana"


def test_warnings_become_lines():
    stream = logged(io.StringIO())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("beware", UserWarning, stacklevel=1)
    assert "beware" in json.loads(stream.getvalue())["message"]
