"""Logging as named events with fields: one readable line on a terminal, one JSON object elsewhere.

What happened is in the name (`push.call.settled`), what it concerned in the fields; the text of other
libraries passes through. Secrets are masked at the very end, whoever wrote them into the line.
"""

import json
import logging
import sys
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import quote

from .settings import Settings

LOGGER = "push"
MASK = "****"
LEAST_MASKED_LENGTH = 4
"""Masking something shorter would black out half the log and hide nothing."""

_QUIET_LIBRARIES = ("httpx", "httpcore", "urllib3", "asyncio")
_A_LINE_PER_TASK = ("celery.worker.strategy", "celery.app.trace", "celery.beat")
"""A slice per app and second says nothing that our own events do not say better; failures still appear."""
_HANDLER_NAME = "push"

FieldValue = str | int | float | bool | None


def event(name: str, /, *, level: int = logging.INFO, exc_info: bool = False, **fields: FieldValue) -> None:
    """Logs that `name` (`push.noun.verb-past`) happened to `fields`.

    Pass ids through `producers.errors.shortened` first; bodies and secrets never belong here.
    """
    logger = logging.getLogger(LOGGER)
    if logger.isEnabledFor(level):
        logger.log(level, name, extra={"event_fields": fields}, exc_info=exc_info, stacklevel=2)


class Redaction:
    """Replaces configured secrets in text, also in the forms they take in JSON, URLs and Basic credentials."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= LEAST_MASKED_LENGTH}
        # Longest first: one secret may be the beginning of another.
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` without the secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def _forms(secret: str) -> tuple[str, ...]:
    return secret, quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]


class TerminalFormatter(logging.Formatter):
    """`14:03:09 INFO  push.call.settled app=shop calls=3`, in local time."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it if there is one."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        fields = "".join(f" {name}={_readable(value)}" for name, value in _fields(record).items())
        name = "" if _is_event(record) else f" {record.name}:"
        line = f"{at} {record.levelname:<7}{name} {record.getMessage()}{fields}"
        return self._redaction("\n".join([line, *filter(None, [_traceback(self, record)])]))


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, event or message, the fields, and a traceback."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The object as text; a field that is not JSON appears as its repr."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
        }
        if _is_event(record):
            line["event"] = record.getMessage()
        else:
            line |= {"logger": record.name, "message": record.getMessage()}
        line |= {name: value for name, value in _fields(record).items() if name not in line}
        traceback = _traceback(self, record)
        if traceback:
            line["traceback"] = traceback
        return self._redaction(json.dumps(line, default=repr, ensure_ascii=False))


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Sends every record of this process to `stream` (default: stderr). Calling it again replaces what it set up."""
    target = sys.stderr if stream is None else stream
    readable = settings.log_format == "terminal" or (settings.log_format == "auto" and target.isatty())
    redaction = Redaction([*settings.secret_values(), *_basic_credentials(settings)])
    handler = logging.StreamHandler(target)
    handler.name = _HANDLER_NAME
    handler.setFormatter(TerminalFormatter(redaction) if readable else JsonFormatter(redaction))
    root = logging.getLogger()
    for old in [known for known in root.handlers if known.name == _HANDLER_NAME]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(True)
    for library in (*_QUIET_LIBRARIES, *(() if settings.log_level == "DEBUG" else _A_LINE_PER_TASK)):
        logging.getLogger(library).setLevel(logging.WARNING)


def _basic_credentials(settings: Settings) -> Iterable[str]:
    for app in settings.apps.values():
        pairs = ((app.app_key, app.master_secret), (f"group-{app.group_key}", app.group_secret))
        for key, secret in pairs:
            if secret is not None:
                yield b64encode(f"{key}:{secret.get_secret_value()}".encode()).decode()


def _is_event(record: logging.LogRecord) -> bool:
    return hasattr(record, "event_fields")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "event_fields", {})
    return fields if isinstance(fields, dict) else {}


def _readable(value: FieldValue) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or not text.isprintable() else text


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
