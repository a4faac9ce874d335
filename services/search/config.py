"""Search's settings."""

from typing import Literal

from pydantic import Field, SecretStr
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
    embed: Literal["onnx", "triton"] = Field(
        "onnx", description="What makes vectors of texts: ONNX Runtime in this process, or Triton."
    )
    embed_seconds: float = Field(
        0.5, gt=0, description="The longest wait for Triton, a text; a call's deadline may cut it shorter."
    )
    triton: str = Field("127.0.0.1:50055", description="Where Triton answers gRPC, host:port.")
    backend: Literal["embedded", "milvus"] = Field(
        "embedded", description="What finds: tantivy and FAISS in this process, or a Milvus (extra `milvus`)."
    )
    milvus_uri: str = Field("http://localhost:19530", description="Where Milvus answers.")
    milvus_seconds: float = Field(
        2.0, gt=0, description="The longest wait for a read of Milvus; a call's deadline may cut it shorter."
    )
    milvus_token: SecretStr = Field(
        SecretStr(""), description="user:password of Milvus, where it asks for one."
    )
    milvus_prefix: str = Field(
        "aisle",
        pattern="^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        description="How the names of the collections begin; replicas of one shop may share them.",
    )
