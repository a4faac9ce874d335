"""Search's settings."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings


class Config(Settings):
    """Read from AISLE_SEARCH_*, once."""

    model_config = SettingsConfigDict(env_prefix="AISLE_SEARCH_")

    port: int = Field(50052, ge=0, le=65535, description="The gRPC port; 0 takes a free one.")
    threads: int = Field(2, ge=1, le=64, description="Searches that run at once.")
    queue: int = Field(64, ge=0, description="Searches that may wait; one more is refused with OVERLOADED.")
    embed_threads: int = Field(
        1, ge=1, le=64, description="Threads that embed products beside serving; each takes a core."
    )
