"""The settings of the `aisle` command, read from the environment once."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings

SERVICES = ("recsys", "search", "vision", "pricing", "gateway")
"""In the order in which they are started."""

FULL_NAMES = {
    "recsys": "aisle.recsys.v1.RecommendationService",
    "search": "aisle.search.v1.SearchService",
    "vision": "aisle.vision.v1.VisionService",
    "pricing": "aisle.pricing.v1.PricingService",
    "gateway": "aisle.gateway.v1.StorefrontService",
}
"""What each service's health is asked by."""


class Config(Settings):
    """What a caller of the command may set."""

    model_config = SettingsConfigDict(env_prefix="AISLE_CLI_")

    gateway: str = Field(
        "127.0.0.1:50050",
        validation_alias="AISLE_GATEWAY",
        description="Where the gateway answers gRPC, host:port; for `aisle import` and `aisle page`.",
    )
    page_seconds: float = Field(5.0, gt=0, description="The deadline of `aisle page`.")
    import_in_flight: int = Field(
        4, ge=1, le=64, description="Batches that `aisle import` has on the way at once."
    )
    retry_seconds: float = Field(
        60.0,
        ge=0,
        description="How long `aisle import` tries again while the gateway or its log does not answer.",
    )
    start_seconds: float = Field(
        180.0, gt=0, description="How long `aisle up` and `aisle demo` wait for health."
    )
