"""The settings of pricing."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings


class Config(Settings):
    """Read from AISLE_PRICING_* and the shared variables."""

    model_config = SettingsConfigDict(env_prefix="AISLE_PRICING_")

    port: int = Field(50054, ge=0, le=65535, description="The gRPC port; 0 takes a free one.")
    database_url: SecretStr = Field(
        SecretStr(""),
        description="The database, as postgresql://user:password@host/name; the SQLite file "
        "pricing/pricing.db in AISLE_HOME when empty.",
    )
    tick_seconds: float = Field(
        1.0,
        gt=0,
        description="Seconds between two looks for prices that a daily step held back, and for what "
        "other replicas wrote.",
    )
    threads: int = Field(
        4, ge=1, le=64, description="Queries for explanations and histories that run at once."
    )
