"""Settings: where they come from, what they show, and that each is explained."""

import re

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings
from tests.kit import settings_page


class Config(Settings):
    model_config = SettingsConfigDict(env_prefix="AISLE_EXAMPLE_")

    port: int = Field(50999, description="The port.")
    token: SecretStr = Field(SecretStr("s3cret"), description="A secret.")


def test_shared_settings_have_their_own_variable_and_one_for_a_service_alone(monkeypatch):
    monkeypatch.setenv("AISLE_HOME", "/everybody")
    assert str(Config().home) == str(Settings().home) == "/everybody"
    monkeypatch.setenv("AISLE_EXAMPLE_PORT", "7")
    monkeypatch.setenv("AISLE_EXAMPLE_MAX_IN_FLIGHT", "9")
    assert (Config().port, Config().max_in_flight, Settings().max_in_flight) == (7, 9, 256)


def test_the_metrics_port_follows_the_port():
    assert Config().metrics_port == 51999
    assert Config(port=0).metrics_port == 0
    assert Config(metrics_port=9).metrics_port == 9


def test_settings_are_frozen_and_checked():
    with pytest.raises(ValidationError):
        Config().port = 1
    for wrong in (
        {"metrics_port": 70_000},
        {"log_level": "loud"},
        {"no_such_setting": 1},
        {"ping_seconds": 0},
    ):
        with pytest.raises(ValidationError):
            Config(**wrong)


def test_secrets_are_never_shown():
    config = Config(nats_url="nats://me:s3cret@host:4222")
    assert config.nats_url == "nats://me:s3cret@host:4222"
    assert "s3cret" not in f"{config!r} {config} {config.shown()}"
    assert config.shown()["nats_url"] == "nats://***@host:4222"


def test_every_setting_is_explained():
    for kind in settings_page.classes().values():
        for name, (_, description) in settings_page.variables(kind).items():
            assert description.endswith("."), name


def test_the_settings_page_is_up_to_date():
    assert settings_page.PAGE.read_text() == settings_page.render(), "run python -m tests.kit.settings_page"


def test_every_variable_that_the_code_names_is_on_the_page():
    named = set()
    for path in settings_page.ROOT.glob("services/**/*.py"):
        named |= set(re.findall(r"""["'](AISLE_[A-Z_]*[A-Z])["']""", path.read_text()))
    page = settings_page.PAGE.read_text()
    assert sorted(name for name in named if name not in page) == []
