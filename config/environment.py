"""Reads PUSH_* variables: spelling, `_FILE` variants, `.env`, placeholders and unknown names.

Knows names and raw text only; what a value means is decided by the models in `settings.py`.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

PREFIX = "PUSH_"
ENV_FILE_VARIABLE = "PUSH_ENV_FILE"
APP_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
APP_NAME_RULE = "a letter, then up to 31 letters, digits, '-' or '_' (no '__')"

_FILE_SUFFIX = "_file"
_APP_VARIABLE_PARTS = 3
_PLACEHOLDER = re.compile(
    r"<.*>|\$\{.*\}|your[-_ ].*|change[-_ ]?me.*|replace[-_ ]?me.*|placeholder|todo|tbd|x{3,}|\*{3,}|\.{3,}",
    re.IGNORECASE,
)
_PLACEHOLDER_IN_URL = re.compile(r"<[^>]+>|your[-_]", re.IGNORECASE)


@dataclass(frozen=True)
class SettingProblem:
    """One wrong variable, by its environment name, and what to do about it. Never holds a value."""

    variable: str
    reason: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.reason}"


@dataclass(frozen=True)
class KnownNames:
    """Every setting there is, in lower case: `plain` (with `delivery__…`) and those of one app."""

    plain: frozenset[str]
    of_app: frozenset[str]

    def __contains__(self, key: str) -> bool:
        if key in self.plain:
            return True
        parts = key.split("__")
        return (
            len(parts) == _APP_VARIABLE_PARTS
            and parts[0] == "apps"
            and APP_NAME.fullmatch(parts[1]) is not None
            and parts[2] in self.of_app
        )


@dataclass
class Environment:
    """The variables as read: `values` by lower-case key without prefix, and how each was spelled."""

    values: dict[str, str] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    problems: list[SettingProblem] = field(default_factory=list)

    def variable(self, path: Iterable[str | int]) -> str:
        """The environment name of a setting, in the caller's own spelling where it is set."""
        parts = [str(part) for part in path]
        key = "__".join(parts)
        for candidate in (key, key + _FILE_SUFFIX):
            if candidate in self.spelled:
                return self.spelled[candidate]
        if len(parts) > 1 and parts[0] == "apps":
            app = self._app_spelling(parts[1])
            return "__".join([f"{PREFIX}APPS", app, *(part.upper() for part in parts[2:])])
        return PREFIX + key.upper()

    def _app_spelling(self, app: str) -> str:
        for key, name in self.spelled.items():
            if key.startswith(f"apps__{app}__"):
                return name.split("__")[1]
        return app


def read_environment(environ: Mapping[str, str], known: KnownNames) -> Environment:
    """Collects the PUSH_* variables of `environ` over those of the env file; faults go to `problems`.

    Empty variables count as not set, as docker-compose passes them that way.
    """
    result = Environment()
    merged = {**_env_file(environ, result), **environ}
    for name, value in merged.items():
        if name.upper().startswith(PREFIX) and name.upper() != ENV_FILE_VARIABLE and value.strip():
            _note(result, name, value.strip())
    raw, result.values = result.values, {}
    for key, value in raw.items():
        _accept(result, known, key, value, raw)
    return result


def _env_file(environ: Mapping[str, str], result: Environment) -> dict[str, str]:
    named = environ.get(ENV_FILE_VARIABLE, "").strip()
    path = Path(named or ".env")
    if not path.is_file():
        if named:
            result.problems.append(SettingProblem(ENV_FILE_VARIABLE, f"there is no file {named}"))
        return {}
    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def _note(result: Environment, name: str, value: str) -> None:
    key = name[len(PREFIX) :].lower()
    if result.values.get(key, value) != value:
        other = result.spelled[key]
        result.problems.append(SettingProblem(name, f"is also set, differently, as {other}; keep one spelling"))
    result.values[key] = value
    result.spelled[key] = name


def _accept(result: Environment, known: KnownNames, key: str, value: str, raw: Mapping[str, str]) -> None:
    name = result.spelled[key]
    plain_key = key.removesuffix(_FILE_SUFFIX)
    if key in known:
        if _is_placeholder(key, value):
            result.problems.append(SettingProblem(name, "still holds a placeholder; put the real value here"))
        result.values[key] = value
    elif plain_key in known and plain_key in raw:
        result.problems.append(SettingProblem(name, f"and {result.spelled[plain_key]} are both set; keep one"))
    elif plain_key in known:
        _accept_file(result, name, plain_key, Path(value))
    else:
        result.problems.append(SettingProblem(name, _unknown(result, known, key)))


def _accept_file(result: Environment, name: str, key: str, path: Path) -> None:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        result.problems.append(SettingProblem(name, f"cannot read {path}: {why}"))
        return
    if not value:
        result.problems.append(SettingProblem(name, f"the file {path} is empty"))
    elif _is_placeholder(key, value):
        result.problems.append(SettingProblem(name, f"the file {path} still holds a placeholder"))
    result.values[key] = value


def _is_placeholder(key: str, value: str) -> bool:
    if key.endswith("_url") and _PLACEHOLDER_IN_URL.search(value):
        return True
    return _PLACEHOLDER.fullmatch(value) is not None


def _unknown(result: Environment, known: KnownNames, key: str) -> str:
    parts = key.split("__")
    if len(parts) == _APP_VARIABLE_PARTS and parts[0] == "apps" and not APP_NAME.fullmatch(parts[1]):
        return f"the app name in it is not usable: {APP_NAME_RULE}"
    candidates = sorted(set(_candidates(result, known, key)))
    # The group left out ("linger_ms"), else a likeness; an app's names are alike, hence the high bar.
    close = [name for name in candidates if name.endswith(f"__{key}")]
    close = close or difflib.get_close_matches(key, candidates, n=1, cutoff=0.75)
    hint = f"did you mean {result.variable(close[0].split('__'))}?" if close else "see .env.example for the list"
    return f"is not a setting; {hint}"


def _candidates(result: Environment, known: KnownNames, key: str) -> Iterator[str]:
    yield from known.plain
    parts = key.split("__")
    apps = {name.split("__")[1] for name in result.spelled if name.startswith("apps__") and name.count("__") > 1}
    apps.update(parts[1:2] if len(parts) == _APP_VARIABLE_PARTS else [])
    for of_app in known.of_app:
        stem = key.removesuffix(of_app).removeprefix("apps").removeprefix("app").strip("_")
        guesses = {*apps, stem} if key.endswith(of_app) else apps
        yield from (f"apps__{app}__{of_app}" for app in guesses if APP_NAME.fullmatch(app))
