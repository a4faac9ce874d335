"""The settings of recsys."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings


class Config(Settings):
    """Read from AISLE_RECSYS_*, and the shared ones from AISLE_*."""

    model_config = SettingsConfigDict(env_prefix="AISLE_RECSYS_")

    port: int = Field(50051, ge=0, le=65535, description="The gRPC port; 0 takes a free one.")
    popularity_seconds: float = Field(
        1.0, ge=0, description="Seconds that an order of what is popular serves before it is sorted again."
    )
    model_seconds: float = Field(1.0, gt=0, description="Seconds between two looks for a newer model.")
    queue: int = Field(
        64, ge=1, description="Requests that may wait for the worker; one more is refused with OVERLOADED."
    )
