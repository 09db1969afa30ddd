"""Settings: what is accepted, and that each refusal names its variable and never repeats a value."""

import re
import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.delivery import LEASE_MARGIN_MS
from config.settings import KNOWN_NAMES, Settings, SettingsError, load_settings, prepare_state_dir

SECRET = "s3cr3t-of-the-shop"
ROOT = Path(__file__).resolve().parents[3]


def refusal(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return {problem.variable: problem.reason for problem in caught.value.problems}


def test_one_app_is_enough_and_the_rest_has_defaults(environ):
    settings = load_settings(environ)
    app = settings.apps["shop"]
    assert app.api_base_url == "https://pushapi-sgp.engagelab.com"
    assert (app.quota_per_second, app.apns_production, app.mode) == (500, None, "live")
    assert settings.delivery.lease_ms == 15_000
    assert settings.broker_url.get_secret_value() == "redis://127.0.0.1:6379/0"


def test_the_broker_is_the_redis_unless_it_is_named(environ):
    redis = "redis://cache:7000/3"
    assert load_settings(environ | {"PUSH_REDIS_URL": redis}).broker_url.get_secret_value() == redis
    own = load_settings(environ | {"PUSH_REDIS_URL": redis, "PUSH_BROKER_URL": "amqp://mq//"})
    assert own.broker_is_amqp
    assert own.redis_url.get_secret_value() == redis


def test_several_apps_in_any_spelling_of_the_environment(environ):
    settings = load_settings(
        environ
        | {
            "PUSH_APPS__NEWS-2__APP_KEY": "12345",
            "PUSH_APPS__NEWS-2__MASTER_SECRET": '{"looks": "like json"}',
            "PUSH_APPS__NEWS-2__BASE_URL": "http://127.0.0.1:8900/",
            "PUSH_APPS__NEWS-2__APNS_PRODUCTION": "false",
        }
    )
    news = settings.apps["news-2"]
    assert (news.app_key, news.api_base_url, news.apns_production) == ("12345", "http://127.0.0.1:8900", False)
    assert news.master_secret.get_secret_value() == '{"looks": "like json"}'


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PUSH_APPS__shop__REGION", "mars", "sgp"),
        ("PUSH_APPS__shop__MODE", "maybe", "validate"),
        ("PUSH_APPS__shop__BASE_URL", "ftp://files", "http://"),
        ("PUSH_APPS__shop__BASE_URL", "https://user:pass@host", "credentials"),
        ("PUSH_APPS__shop__QUOTA_PER_SECOND", "0", "greater than or equal to 1"),
        ("PUSH_APPS__shop__QUOTA_PER_SECOND", "plenty", "integer"),
        ("PUSH_APPS__shop__APNS_PRODUCTION", "perhaps", "true or false"),
        ("PUSH_REDIS_URL", "localhost:6379", "redis://"),
        ("PUSH_REDIS_URL", "redis://host:notaport/0", "redis://"),
        ("PUSH_REDIS_URL", "amqp://host//", "redis://"),
        ("PUSH_BROKER_URL", "kafka://host", "amqp://"),
        ("PUSH_LOG_FORMAT", "xml", "json"),
        ("PUSH_LOG_LEVEL", "LOUD", "WARNING"),
        ("PUSH_DELIVERY__MAX_BATCH", "501", "at most 500"),
        ("PUSH_DELIVERY__LEASE_MS", "9000", str(8_000 + LEASE_MARGIN_MS)),
        ("PUSH_DELIVERY__RETRY_CAP_MS", "500", "RETRY_BASE_MS"),
        ("PUSH_DELIVERY__RETRY_BASE_MS", "400000", "RETRY_BASE_MS"),
        ("PUSH_DELIVERY__CID_LIFE_MS", "3600000", "one hour"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(environ, variable, value, expected):
    problems = refusal(environ | {variable: value})
    assert len(problems) == 1
    named, reason = problems.popitem()
    assert named == variable or "RETRY" in variable
    assert expected in reason


@pytest.mark.parametrize("missing", ["APP_KEY", "MASTER_SECRET", "REGION"])
def test_a_missing_credential_is_asked_for_in_the_apps_own_spelling(environ, missing):
    del environ[f"PUSH_APPS__shop__{missing}"]
    assert "is missing" in refusal(environ)[f"PUSH_APPS__shop__{missing}"]


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("GROUP_KEY", "GROUP_SECRET"),
        ("GROUP_SECRET", "GROUP_KEY"),
        ("CALLBACK_USERNAME", "CALLBACK_SECRET"),
        ("CALLBACK_SECRET", "CALLBACK_USERNAME"),
    ],
)
def test_half_a_credential_is_refused(environ, given, missing):
    assert "belong together" in refusal(environ | {f"PUSH_APPS__shop__{given}": "value"})[f"PUSH_APPS__shop__{missing}"]


def test_every_wrong_variable_is_listed_at_once(environ):
    problems = refusal(environ | {"PUSH_LOG_LEVEL": "LOUD", "PUSH_REDIS_URL": "nowhere", "PUSH_COLOUR": "red"})
    assert set(problems) == {"PUSH_LOG_LEVEL", "PUSH_REDIS_URL", "PUSH_COLOUR"}


def test_no_app_at_all_is_refused():
    assert refusal({}) == {"PUSH_APPS__<name>__APP_KEY": "no app is configured; see .env.example"}


@pytest.mark.parametrize(
    "value", ["YOUR_APP_KEY", "your-secret-here", "changeme", "Change_Me", "<secret>", "xxx", "XXXXXXXX", "...", "TODO"]
)
def test_a_placeholder_is_refused(environ, value):
    assert "placeholder" in refusal(environ | {"PUSH_APPS__shop__APP_KEY": value})["PUSH_APPS__shop__APP_KEY"]


def test_a_placeholder_inside_an_address_is_refused(environ):
    assert "placeholder" in refusal(environ | {"PUSH_REDIS_URL": "redis://:<password>@host"})["PUSH_REDIS_URL"]


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("PUSH_REDIS_URI", "PUSH_REDIS_URL"),
        ("PUSH_REDISURL", "PUSH_REDIS_URL"),
        ("PUSH_LINGER_MS", "PUSH_DELIVERY__LINGER_MS"),
        ("PUSH_DELIVERY_LINGER_MS", "PUSH_DELIVERY__LINGER_MS"),
        ("PUSH_APPS__shop__MASTER_SECRT", "PUSH_APPS__shop__MASTER_SECRET"),
        ("PUSH_APPS__shop_QUOTA_PER_SECOND", "PUSH_APPS__shop__QUOTA_PER_SECOND"),
        ("PUSH_APP__shop__MODE", "PUSH_APPS__shop__MODE"),
        ("PUSH_APPS_web__APP_KEY", "PUSH_APPS__web__APP_KEY"),
    ],
)
def test_a_typo_is_refused_with_what_was_meant(environ, typo, meant):
    assert refusal(environ | {typo: "value"})[typo] == f"is not a setting; did you mean {meant}?"


def test_an_unknown_variable_without_a_likeness_points_to_the_list(environ):
    assert refusal(environ | {"PUSH_ZZZZ": "1"})["PUSH_ZZZZ"] == "is not a setting; see .env.example for the list"


@pytest.mark.parametrize("name", ["9lives", "_a", "a" * 33, "ünder"])
def test_an_unusable_app_name_is_explained(environ, name):
    assert "app name" in refusal(environ | {f"PUSH_APPS__{name}__APP_KEY": "key"})[f"PUSH_APPS__{name}__APP_KEY"]


def test_two_spellings_of_one_variable_must_agree(environ):
    again = {"PUSH_APPS__SHOP__REGION": "hk"}
    assert "PUSH_APPS__shop__REGION" in refusal(environ | again)["PUSH_APPS__SHOP__REGION"]
    assert load_settings(environ | {"PUSH_APPS__SHOP__REGION": "sgp"}).apps["shop"].region == "sgp"


def test_foreign_variables_and_empty_ones_are_nobodys_business(environ):
    settings = load_settings(environ | {"PATH": "/bin", "PUSHER": "x", "PUSH_BROKER_URL": "", "PUSH_TYPO": " "})
    assert not settings.broker_is_amqp


class TestFiles:
    """Any variable with _FILE behind it is read from that file."""

    def test_a_secret_comes_from_a_file_without_its_line_end(self, environ, tmp_path):
        file = tmp_path / "secret"
        file.write_text("from-the-file\n")
        del environ["PUSH_APPS__shop__MASTER_SECRET"]
        settings = load_settings(environ | {"PUSH_APPS__shop__MASTER_SECRET_FILE": str(file)})
        assert settings.apps["shop"].master_secret.get_secret_value() == "from-the-file"

    def test_both_variants_at_once_are_refused(self, environ, tmp_path):
        name = "PUSH_APPS__shop__MASTER_SECRET_FILE"
        assert "both set" in refusal(environ | {name: str(tmp_path / "secret")})[name]

    @pytest.mark.parametrize(("content", "why"), [(None, "No such file"), ("", "empty"), ("changeme", "placeholder")])
    def test_an_unusable_file_is_refused(self, environ, tmp_path, content, why):
        file = tmp_path / "secret"
        if content is not None:
            file.write_text(content)
        del environ["PUSH_APPS__shop__MASTER_SECRET"]
        problems = refusal(environ | {"PUSH_APPS__shop__MASTER_SECRET_FILE": str(file)})
        assert list(problems) == ["PUSH_APPS__shop__MASTER_SECRET_FILE"]
        assert why in problems["PUSH_APPS__shop__MASTER_SECRET_FILE"]

    def test_the_env_file_fills_in_what_the_environment_leaves_out(self, environ, tmp_path):
        (tmp_path / ".env").write_text("PUSH_LOG_LEVEL=ERROR\nPUSH_APPS__shop__REGION=hk\nOTHER=1\n")
        settings = load_settings(environ)
        assert (settings.log_level, settings.apps["shop"].region) == ("ERROR", "sgp")

    def test_a_named_env_file_replaces_the_one_in_the_folder(self, environ, tmp_path):
        (tmp_path / ".env").write_text("PUSH_LOG_LEVEL=ERROR\n")
        (tmp_path / "other").write_text("PUSH_LOG_LEVEL=DEBUG\n")
        assert load_settings(environ | {"PUSH_ENV_FILE": str(tmp_path / "other")}).log_level == "DEBUG"

    def test_a_named_env_file_must_exist(self, environ):
        assert "there is no file" in refusal(environ | {"PUSH_ENV_FILE": "/nowhere/env"})["PUSH_ENV_FILE"]


class TestSecrets:
    """A secret is in no repr, no error and no traceback."""

    def test_nothing_secret_in_the_repr(self, environ):
        urls = {"PUSH_REDIS_URL": f"redis://:{SECRET}@h/0", "PUSH_APPS__shop__GROUP_KEY": "g"}
        settings = load_settings(environ | urls | {"PUSH_APPS__shop__GROUP_SECRET": SECRET})
        shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
        assert SECRET not in shown
        assert SECRET in settings.secret_values()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"PUSH_REDIS_URL": f"ftp://:{SECRET}@host"},
            {"PUSH_BROKER_URL": SECRET},
            {"PUSH_APPS__shop__MASTER_SECRT": SECRET},
            {"PUSH_APPS__shop__BASE_URL": f"https://u:{SECRET}@host"},
            {"PUSH_APPS__shop__REGION": SECRET},
            {"PUSH_DELIVERY__SLOTS": SECRET},
            {"PUSH_APPS__SHOP__MASTER_SECRET": SECRET + "2"},
        ],
    )
    def test_an_error_never_repeats_a_value(self, environ, wrong):
        with pytest.raises(SettingsError) as caught:
            load_settings(environ | wrong)
        assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems)
        assert caught.value.__context__ is None

    def test_the_password_of_an_address_is_known_to_the_redaction_as_sent_and_as_meant(self, environ):
        settings = load_settings(environ | {"PUSH_REDIS_URL": "redis://:p%40ss@h/0"})
        assert {"p%40ss", "p@ss"} <= set(settings.secret_values())


def test_settings_are_frozen_and_read_no_environment_themselves(environ, monkeypatch):
    monkeypatch.setenv("PUSH_LOG_LEVEL", "ERROR")
    settings = Settings()
    assert settings.log_level == "INFO"
    with pytest.raises(ValidationError):
        settings.log_level = "DEBUG"  # type: ignore[misc]


def test_an_app_name_given_in_code_follows_the_same_rule(environ):
    app = load_settings(environ).apps["shop"]
    with pytest.raises(ValidationError, match="an app name is"):
        Settings(apps={"Shop!": app})


def test_the_state_folder_is_private(environ, tmp_path):
    settings = load_settings(environ | {"PUSH_STATE_DIR": str(tmp_path / "a" / "state")})
    assert prepare_state_dir(settings).stat().st_mode & 0o777 == 0o700


def test_the_example_file_lists_every_setting_and_nothing_else():
    listed = set(re.findall(r"^#?(PUSH_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    plain = {f"PUSH_{name.upper()}" for name in KNOWN_NAMES.plain}
    assert listed == plain | {f"PUSH_APPS__shop__{name.upper()}" for name in KNOWN_NAMES.of_app}


def test_the_example_file_shows_the_defaults():
    shown = re.findall(r"^#PUSH_DELIVERY__(\w+)=(\w+)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    defaults = Settings().delivery.model_dump()
    assert {name.lower(): value for name, value in shown} == {name: str(value) for name, value in defaults.items()}


def test_the_example_file_copied_unchanged_is_refused(environ):
    problems = refusal({"PUSH_ENV_FILE": str(ROOT / ".env.example")})
    assert set(problems) == {"PUSH_APPS__shop__APP_KEY", "PUSH_APPS__shop__MASTER_SECRET"}
