"""The gateway's settings, read from the environment once."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings


class Config(Settings):
    """Where the services behind the gateway are, and how much the gateway keeps in memory."""

    model_config = SettingsConfigDict(env_prefix="AISLE_GATEWAY_")

    port: int = Field(50050, ge=0, le=65535, description="The gRPC port.")
    recsys_target: str = Field(
        "127.0.0.1:50051", description="Where recsys is; dns:///name:port in a cluster."
    )
    search_target: str = Field("127.0.0.1:50052", description="Where search is.")
    vision_target: str = Field("127.0.0.1:50053", description="Where vision is.")
    pricing_target: str = Field("127.0.0.1:50054", description="Where pricing is.")
    budget_seconds: float = Field(
        2.0, gt=0, description="The budget of a page whose caller sends no deadline."
    )
    cards_in_memory: int = Field(
        20_000, ge=0, description="Product cards kept in memory, about 1.5 kB each; the others are in SQLite."
    )
    log_patience_seconds: float = Field(
        3.0,
        ge=0,
        description="Seconds the start waits for the log before pages are served from the old view.",
    )
