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
    sequence: bool = Field(
        False,
        description="Whether training learns SASRec too: the train extra's torch, and CPU hours or a GPU.",
    )
    explore_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of shoppers whose answers explore, by a hash of who they are; 0 turns it off.",
    )
    explore_positions: int = Field(
        4, ge=0, description="How many positions of an answer explore at most: of 3, 6, 9 and so on."
    )
    explore_floor: float = Field(
        0.1, ge=0, le=1, description="The least score of what is drawn, over the answer's best score."
    )
    queue: int = Field(
        64, ge=1, description="Requests that may wait for the worker; one more is refused with OVERLOADED."
    )
