"""The settings that every service shares, read from the environment once."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

METRICS_OFFSET: Final = 1000
_CREDENTIALS: Final = re.compile(r"(?<=://)[^@/\s]+(?=@)")


def _metrics_port(data: dict[str, Any]) -> int:
    port = int(data.get("port", 0))
    return port + METRICS_OFFSET if port else 0


class Settings(BaseSettings):
    """Base of each service's Config, which sets its `env_prefix` and its `port`.

    A shared setting is read from its own variable (AISLE_HOME), or for one service alone from the
    service's (AISLE_SEARCH_HOME). Passwords are never shown, neither a SecretStr nor those inside a URL.
    """

    model_config = SettingsConfigDict(
        frozen=True, env_prefix="AISLE_", populate_by_name=True, env_ignore_empty=True, validate_default=True
    )

    home: Path = Field(
        Path("var"),
        validation_alias="AISLE_HOME",
        description="The folder of all state: views, models, the log.",
    )
    nats_url: str = Field(
        "nats://127.0.0.1:4222",
        validation_alias="AISLE_NATS_URL",
        description="Where the log's NATS server is.",
    )
    host: str = Field(
        "127.0.0.1",
        validation_alias="AISLE_HOST",
        description="The address to listen on; 0.0.0.0 in a container.",
    )
    port: int = Field(0, ge=0, le=65535, description="The gRPC port; 0 takes a free one.")
    metrics_port: int = Field(
        default_factory=_metrics_port,
        ge=0,
        le=65535,
        description="The port of the Prometheus metrics, port + 1000 unless set; 0 turns them off.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="AISLE_LOG_LEVEL", description="The least level that is logged."
    )
    max_in_flight: int = Field(
        256,
        ge=1,
        validation_alias="AISLE_MAX_IN_FLIGHT",
        description="Calls handled at once; one more is refused with OVERLOADED.",
    )
    ping_seconds: float = Field(
        1.0,
        gt=0,
        validation_alias="AISLE_PING_SECONDS",
        description="Seconds between two checks of each resource.",
    )
    drain_seconds: float = Field(
        1.0,
        ge=0,
        validation_alias="AISLE_DRAIN_SECONDS",
        description="Seconds between NOT_SERVING and the end of listening: clients go elsewhere.",
    )
    grace_seconds: float = Field(
        5.0,
        ge=0,
        validation_alias="AISLE_GRACE_SECONDS",
        description="Seconds that running calls get to end after listening has ended.",
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What repr shows: every setting, without credentials."""
        for name, value in super().__repr_args__():
            yield name, _CREDENTIALS.sub("***", value) if isinstance(value, str) else value

    def shown(self) -> dict[str, str]:
        """Every setting as text that may be logged."""
        return {str(name): str(value) for name, value in self.__repr_args__()}

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Each setting's environment variable and what it says, in the order they stand."""
        prefix = str(cls.model_config.get("env_prefix", ""))
        return {
            str(field.validation_alias or (prefix + name).upper()): field.description or ""
            for name, field in cls.model_fields.items()
        }
