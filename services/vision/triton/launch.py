"""Starts the real tritonserver of the nvidia-pytriton wheel, in the foreground, on our model repository."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit import logs
from services.kit.config import Settings
from services.kit.models import ModelStore
from services.vision.triton.repository import NAME, Repository

HINT: Final = "run `make setup`, or set AISLE_TRITON_ENV to an environment that has nvidia-pytriton"


class TritonConfig(Settings):
    """How Triton runs."""

    model_config = SettingsConfigDict(env_prefix="AISLE_TRITON_")

    env: Path = Field(
        Path(__file__).parents[3] / ".venv-triton",
        description="The Python environment that has nvidia-pytriton, onnxruntime, numpy<2 and pillow.",
    )
    port: int = Field(50055, ge=1, le=65535, description="Triton's gRPC port.")
    http_port: int = Field(50056, ge=1, le=65535, description="Triton's HTTP port.")
    metrics_port: int = Field(50057, ge=1, le=65535, description="Triton's port of Prometheus metrics.")
    device: Literal["cpu", "gpu"] = Field("cpu", description="Which configuration of the models is used.")
    instances: int = Field(
        0, ge=0, le=64, description="Copies of the network that run at once; 0 is one a core."
    )


class TritonMissing(RuntimeError):  # noqa: N818
    """Triton cannot start here; the text says what to do."""


def main() -> None:
    """Becomes tritonserver; returns only by an exception."""
    config = TritonConfig()
    logs.setup(config.log_level, "triton")
    try:
        arguments, environment = command(config)
        _sweep(config)
    except TritonMissing as error:
        raise SystemExit(str(error)) from error
    os.execve(arguments[0], arguments, environment)


def command(config: TritonConfig) -> tuple[list[str], dict[str, str]]:
    """The command line and its environment; makes the repository ready. Raises TritonMissing."""
    packages = _packages(config.env)
    server = packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"
    home = config.home.resolve()
    repository = Repository(home, instances=config.instances)
    repository.root.mkdir(parents=True, exist_ok=True)
    model = ModelStore(home, "vision").current()
    if model is not None:
        repository.assemble(model)
    arguments = [
        str(server),
        f"--model-repository={repository.root}",
        f"--backend-directory={_backends(packages, home, _python(config.env))}",
        f"--model-config-name={config.device}",
        # A model that is not there yet, or does not load, must not end the server: it is loaded later.
        "--model-control-mode=explicit",
        *([f"--load-model={NAME}"] if repository.versions() else []),
        "--exit-on-error=false",
        "--strict-readiness=false",
        f"--grpc-address={config.host}",
        f"--http-address={config.host}",
        f"--metrics-address={config.host}",
        f"--grpc-port={config.port}",
        f"--http-port={config.http_port}",
        f"--metrics-port={config.metrics_port}",
        # Two servers on one machine must not meet in /dev/shm.
        f"--backend-config=python,shm-region-prefix-name={_shared_prefix(config)}",
        "--exit-timeout-secs=5",
        "--log-verbose=0",
    ]
    libraries = [_python(config.env)["library"], str(packages / "nvidia_pytriton.libs")]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(packages)
    environment["LD_LIBRARY_PATH"] = os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")])
    environment["PATH"] = os.pathsep.join([str(config.env / "bin"), os.environ.get("PATH", "")])
    return arguments, environment


def _shared_prefix(config: TritonConfig) -> str:
    return f"aisle-triton-{config.port}-"


def _sweep(config: TritonConfig) -> None:
    """Frees the shared memory that a killed server of this port left. Raises TritonMissing when one runs."""
    with socket.socket() as probe:
        if probe.connect_ex((config.host, config.port)) == 0:
            raise TritonMissing(f"port {config.port} is taken; set AISLE_TRITON_PORT")
    for region in Path("/dev/shm").glob(f"{_shared_prefix(config)}*"):
        region.unlink(missing_ok=True)


def _packages(env: Path) -> Path:
    """The environment's site-packages, when Triton is in it."""
    found = sorted(env.absolute().glob("lib/python3.*/site-packages/pytriton/tritonserver/bin/tritonserver"))
    if not found:
        raise TritonMissing(f"no Triton in {env}: {HINT}")
    return found[-1].parents[3]


def _python(env: Path) -> dict[str, str]:
    """The version and the library folder of the environment's Python."""
    code = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2], sysconfig.get_config_var('LIBDIR'))"
    out = subprocess.run([env / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    version, library = out.stdout.strip().split(" ", 1)
    return {"version": version, "library": library}


def _backends(packages: Path, home: Path, python: dict[str, str]) -> Path:
    """A folder with the Python backend and the stub for this Python's version, as Triton looks for them."""
    server = packages / "pytriton" / "tritonserver"
    folder = home / "triton" / "backends" / f"python-{python['version']}"
    target = folder / "python"
    target.mkdir(parents=True, exist_ok=True)
    stub = server / "python_backend_stubs" / python["version"] / "triton_python_backend_stub"
    if not stub.exists():
        raise TritonMissing(f"Triton has no stub for Python {python['version']}: {HINT}")
    backend = server / "backends" / "python"
    for source in (backend / "libtriton_python.so", backend / "triton_python_backend_utils.py", stub):
        copy = target / source.name
        if not copy.exists() or copy.stat().st_size != source.stat().st_size:
            shutil.copy2(source, copy.with_suffix(".new"))
            os.replace(copy.with_suffix(".new"), copy)
    return folder


if __name__ == "__main__":
    main()
