"""The settings of the vision service, read from the environment once."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings


class Config(Settings):
    """What an operator may set."""

    model_config = SettingsConfigDict(env_prefix="AISLE_VISION_")

    port: int = Field(50053, ge=0, le=65535, description="The gRPC port; 0 takes a free one.")
    triton: str = Field("127.0.0.1:50055", description="Where Triton answers gRPC, host:port.")
    inference_seconds: float = Field(
        2.0, gt=0, description="The longest wait for Triton; a call's deadline may cut it shorter."
    )
    inference_in_flight: int = Field(
        32, ge=1, description="Pictures that are with Triton at once; one more is refused with OVERLOADED."
    )
    remembered_bytes: int = Field(
        64 * 2**20, ge=0, description="Bytes of answers kept for pictures that come again; 0 keeps none."
    )
    image_folder: Path | None = Field(
        None,
        description="The folder inside which a catalogue's file: pictures may lie; without it none are read.",
    )
    image_web: bool = Field(
        True,
        description="Whether a catalogue's https: pictures are fetched, from public addresses alone.",
    )
    image_hosts: str = Field(
        "",
        description="Hosts whose pictures are fetched though they are private or plain http, "
        "as host or host:port, separated by commas.",
    )
    decode_threads: int = Field(2, ge=1, le=64, description="Pictures that are checked and shrunk at once.")
    index_parallel: int = Field(2, ge=1, le=64, description="Catalogue pictures that go to Triton at once.")
