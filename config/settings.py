"""Settings of every process, read once at start by `load_settings` and passed on from there.

Frozen; nothing in here prints a secret. Building `Settings(...)` by hand reads no environment.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from producers.requests.address import Region

from .delivery import DeliverySettings, wrong_setting
from .environment import APP_NAME, APP_NAME_RULE, Environment, KnownNames, SettingProblem, read_environment

Mode = Literal["live", "validate", "off"]

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
REDIS_SCHEMES = ("redis", "rediss", "unix")
BROKER_SCHEMES = (*REDIS_SCHEMES, "amqp", "amqps")
CELERY_OVERRIDE = "CELERY_BROKER_URL"
"""Celery prefers this variable to its configuration, without a word."""


class SettingsError(Exception):
    """The environment does not describe a system that can start. `problems` names every wrong variable."""

    def __init__(self, problems: tuple[SettingProblem, ...]) -> None:
        self.problems = problems
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__("\n  ".join([f"{count} wrong:", *map(str, problems)]))


class AppSettings(BaseModel):
    """One AppKey: its credentials, where it lives, and what it may do."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    app_key: str = Field(min_length=1, repr=False, description="the AppKey from the console, Application Settings")
    master_secret: SecretStr = Field(min_length=1, description="the Master Secret that belongs to the AppKey")
    region: Region | None = Field(None, description="the AppKey's data centre: " + ", ".join(Region))
    base_url: str | None = Field(None, description="an http(s) address that replaces the region's, e.g. a sandbox")
    quota_per_second: int = Field(500, ge=1, le=1_000_000, description="the AppKey's quota in targets per second")
    apns_production: bool | None = Field(None, description="true or false: the APNs environment of iOS pushes")
    allow_broadcast: bool = Field(False, description="true: pushes to all devices of the app are accepted")
    allowed_targets: str | None = Field(
        None, repr=False, description="registration ids and aliases, comma separated: the only ones that get pushes"
    )
    pending_max: int = Field(5_000_000, ge=1, description="pushes that may wait; beyond it, QueueFull")
    mode: Mode = Field("live", description="live (send), validate (ask the API, send nothing) or off (keep queued)")
    group_key: str | None = Field(None, repr=False, description="the Group Key, for group pushes")
    group_secret: SecretStr | None = Field(None, description="the Group Master Secret")
    callback_username: str | None = Field(None, description="the username entered for callbacks in the console")
    callback_secret: SecretStr | None = Field(None, description="the secret entered for callbacks in the console")

    @field_validator("base_url")
    @classmethod
    def _http_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PydanticCustomError("base_url", "must be an http:// or https:// address with a host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise PydanticCustomError("base_url", "must hold no credentials, query or fragment")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.region is None and self.base_url is None:
            raise wrong_setting("region", "is missing (or set BASE_URL)")
        if (self.group_key is None) != (self.group_secret is None):
            missing = "group_key" if self.group_key is None else "group_secret"
            raise wrong_setting(missing, "is missing: GROUP_KEY and GROUP_SECRET belong together")
        if (self.callback_username is None) != (self.callback_secret is None):
            missing = "callback_username" if self.callback_username is None else "callback_secret"
            raise wrong_setting(missing, "is missing: CALLBACK_USERNAME and CALLBACK_SECRET belong together")
        return self

    @property
    def allow_list(self) -> frozenset[str] | None:
        """The targets that this app may reach; None: any."""
        if self.allowed_targets is None:
            return None
        return frozenset(filter(None, map(str.strip, self.allowed_targets.split(","))))

    @property
    def api_base_url(self) -> str:
        """Where this app's requests go, without a trailing slash: `base_url`, else the region's address."""
        return self.base_url or Region(str(self.region)).base_url


class Settings(BaseSettings):
    """Everything a process is told from outside. Variables: PUSH_<FIELD>, nested with `__`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="PUSH_",
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )

    redis_url: SecretStr = Field(
        SecretStr(DEFAULT_REDIS_URL), description="the Redis address, e.g. redis://host:6379/0"
    )
    broker_url: SecretStr = Field(
        SecretStr(DEFAULT_REDIS_URL),
        description="another broker, e.g. amqp://user:password@host//; not set: the Redis address",
    )
    apps: dict[str, AppSettings] = Field(default_factory=dict, description="the apps, by short name")
    delivery: DeliverySettings = Field(default_factory=DeliverySettings, description="the numbers of delivery")
    state_dir: Path = Field(Path(".state"), description="a folder this process may write: beat's schedule file")
    log_format: Literal["auto", "terminal", "json"] = Field("auto", description="auto, terminal or json")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the five names are the library's interface
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only `load_settings` reads the environment, so that it can check the names first."""
        return (init_settings,)

    @model_validator(mode="before")
    @classmethod
    def _broker_is_redis_by_default(cls, data: dict[str, Any]) -> dict[str, Any]:
        if "redis_url" in data and data.get("broker_url") is None:
            return {**data, "broker_url": data["redis_url"]}
        return data

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr) -> SecretStr:
        return _address(value, REDIS_SCHEMES)

    @field_validator("broker_url")
    @classmethod
    def _broker_address(cls, value: SecretStr) -> SecretStr:
        return _address(value, BROKER_SCHEMES)

    @field_validator("apps")
    @classmethod
    def _app_names(cls, value: dict[str, AppSettings]) -> dict[str, AppSettings]:
        if any(APP_NAME.fullmatch(name) is None for name in value):
            raise PydanticCustomError("app_name", "an app name is {rule}", {"rule": APP_NAME_RULE})
        return value

    @property
    def broker_is_amqp(self) -> bool:
        """True when Celery's messages travel over RabbitMQ."""
        return urlsplit(self.broker_url.get_secret_value()).scheme in ("amqp", "amqps")

    def secret_values(self) -> tuple[str, ...]:
        """Every configured secret in the clear, for the log's redaction and for nothing else."""
        return tuple(self._secrets())

    def _secrets(self) -> Iterator[str]:
        for app in self.apps.values():
            for secret in (app.master_secret, app.group_secret, app.callback_secret):
                if secret is not None:
                    yield secret.get_secret_value()
        for url in (self.redis_url, self.broker_url):
            password = urlsplit(url.get_secret_value()).password
            if password:
                yield from {password, unquote(password)}


def _address(value: SecretStr, schemes: tuple[str, ...]) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        usable = parts.scheme in schemes and bool(parts.path if parts.scheme == "unix" else parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        names = ", ".join(f"{scheme}://" for scheme in schemes)
        raise PydanticCustomError("address", "must be an address that starts with {names}", {"names": names})
    return value


KNOWN_NAMES = KnownNames(
    plain=frozenset(
        {name for name in Settings.model_fields if name not in ("apps", "delivery")}
        | {f"delivery__{name}" for name in DeliverySettings.model_fields}
    ),
    of_app=frozenset(AppSettings.model_fields),
)
"""Every variable there is, without prefix, in lower case."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, from `environ` (default: os.environ) and the env file.

    The file that PUSH_ENV_FILE names, else `./.env`, fills in what `environ` leaves out.

    Raises:
        SettingsError: naming each wrong, missing or unknown variable; it never repeats a value.
    """
    environment = read_environment(os.environ if environ is None else environ, KNOWN_NAMES)
    source = EnvSettingsSource(Settings)
    source.env_vars = {f"push_{key}": value for key, value in environment.values.items()}
    problems = list(environment.problems)
    if CELERY_OVERRIDE in (os.environ if environ is None else environ):
        problems.append(
            SettingProblem(CELERY_OVERRIDE, "Celery would follow it instead; unset it, use PUSH_BROKER_URL")
        )
    try:
        settings = Settings(**source())
    except ValidationError as error:
        problems += _problems(error, environment)
    else:
        if not settings.apps:
            problems.append(SettingProblem("PUSH_APPS__<name>__APP_KEY", "no app is configured; see .env.example"))
        if not problems:
            return settings
    # The ValidationError holds the input, secrets included: it must not travel along.
    raise SettingsError(tuple(dict.fromkeys(problems)))


def prepare_state_dir(settings: Settings) -> Path:
    """Creates `state_dir`, readable by this user alone, and returns it. Repeating it is harmless."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return settings.state_dir


def _problems(error: ValidationError, environment: Environment) -> Iterator[SettingProblem]:
    known = {problem.variable for problem in environment.problems}
    for detail in error.errors(include_url=False, include_input=False):
        path = [*detail["loc"], *([detail["ctx"]["field"]] if "field" in detail.get("ctx", {}) else [])]
        variable = environment.variable(path)
        inherited = path[0] == "broker_url" and "broker_url" not in environment.values
        if variable not in known and not inherited:
            yield SettingProblem(variable, _reason(detail, _description(path)))


def _reason(detail: ErrorDetails, description: str | None) -> str:
    what = "is missing" if detail["type"] == "missing" else detail["msg"][:1].lower() + detail["msg"][1:]
    return f"{what}; put here: {description}" if description else what


def _description(path: list[str | int]) -> str | None:
    models: dict[str, type[BaseModel]] = {"apps": AppSettings, "delivery": DeliverySettings}
    model = models.get(str(path[0]), Settings)
    field = model.model_fields.get(str(path[-1]))
    return field.description if field else None
