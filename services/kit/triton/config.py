"""The settings of Triton, read from the environment once."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.config import Settings


class TritonConfig(Settings):
    """How Triton runs."""

    model_config = SettingsConfigDict(env_prefix="AISLE_TRITON_")

    env: Path = Field(
        default_factory=lambda: Path(__file__).parents[3] / ".venv-triton",
        description="The Python environment that has nvidia-pytriton, onnxruntime, numpy<2 and pillow; "
        "`.venv-triton` beside the code unless set.",
    )
    server: Path | None = Field(
        None,
        description="A tritonserver's own folder, /opt/tritonserver in NVIDIA's container, instead of env's.",
    )
    port: int = Field(50055, ge=1, le=65535, description="Triton's gRPC port.")
    http_port: int = Field(50056, ge=1, le=65535, description="Triton's HTTP port.")
    metrics_port: int = Field(50057, ge=1, le=65535, description="Triton's port of Prometheus metrics.")
    device: Literal["cpu", "gpu"] = Field("cpu", description="Which configuration of the models is used.")
    instances: int = Field(
        0, ge=0, le=64, description="Copies of each model that run at once; 0 is one a core."
    )
    cache_bytes: int = Field(
        64 * 2**20,
        ge=0,
        description="Bytes of answers that Triton keeps, for models configured so; 0 keeps none.",
    )
