"""Starts the real tritonserver of the nvidia-pytriton wheel, in the foreground, on our model repository."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from services.kit import logs
from services.kit.triton import supervise
from services.kit.triton.config import TritonConfig
from services.kit.triton.repository import root_of, versions_of

HINT: Final = "run `make setup`, or set AISLE_TRITON_ENV to an environment that has nvidia-pytriton"

# Left to itself, malloc gives a decoded picture's memory back to the kernel and faults it in again for the
# next: 300 page faults, a third of what decoding costs.
KEEP_MEMORY: Final = {"MALLOC_TRIM_THRESHOLD_": str(64 * 2**20), "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20)}


class TritonMissing(RuntimeError):  # noqa: N818
    """Triton cannot start here; the text says what to do."""


def main(*prepare: Callable[[TritonConfig], None]) -> None:
    """Becomes what keeps tritonserver running, once each service's models are ready; ends by an exception."""
    config = TritonConfig()
    logs.setup(config.log_level, "triton")
    for each in prepare:
        each(config)
    try:
        arguments, environment = command(config)
        _check_port(config)
    except TritonMissing as error:
        raise SystemExit(str(error)) from error
    keeper = [sys.executable, "-I", supervise.__file__, _shared_prefix(config)]
    os.execve(keeper[0], [*keeper, *arguments], environment)


def command(config: TritonConfig) -> tuple[list[str], dict[str, str]]:
    """The command line, which loads every model that the repository has, and its environment.

    Raises TritonMissing.
    """
    home = config.home.resolve()
    repository = root_of(home)
    repository.mkdir(parents=True, exist_ok=True)
    models = [folder.name for folder in sorted(repository.iterdir()) if versions_of(folder)]
    server = binary(config).parents[1]
    backends, environment = (server / "backends", dict(os.environ)) if config.server else _wheel(config, home)
    if config.device == "gpu" and not (backends / "onnxruntime").is_dir():
        raise TritonMissing(f"no onnxruntime backend in {backends}, which AISLE_TRITON_DEVICE=gpu needs")
    arguments = [
        str(server / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        *(f"--load-model={name}" for name in models),
        f"--backend-directory={backends}",
        f"--cache-directory={server / 'caches'}",
        *_options(config),
    ]
    return arguments, KEEP_MEMORY | environment


def _options(config: TritonConfig) -> list[str]:
    return [
        f"--model-config-name={config.device}",
        # A model that is not there yet, or does not load, must not end the server: it is loaded later.
        "--model-control-mode=explicit",
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
        *([f"--cache-config=local,size={config.cache_bytes}"] if config.cache_bytes else []),
        "--exit-timeout-secs=5",
        "--log-verbose=0",
    ]


def binary(config: TritonConfig) -> Path:
    """The tritonserver that would run. Raises TritonMissing."""
    if not config.server:
        return _packages(config.env) / "pytriton" / "tritonserver" / "bin" / "tritonserver"
    found = config.server.absolute() / "bin" / "tritonserver"
    if not found.exists():
        raise TritonMissing(f"no Triton in {config.server}: it is AISLE_TRITON_SERVER that says so")
    return found


def _wheel(config: TritonConfig, home: Path) -> tuple[Path, dict[str, str]]:
    """A folder with the one backend that the wheel has, and the environment it needs."""
    packages, python = _packages(config.env), _python(config.env)
    environment = dict(os.environ)
    libraries = [python["library"], str(packages / "nvidia_pytriton.libs")]
    environment["PYTHONPATH"] = str(packages)
    environment["LD_LIBRARY_PATH"] = os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")])
    environment["PATH"] = os.pathsep.join([str(config.env / "bin"), os.environ.get("PATH", "")])
    return _backends(packages, home, python), environment


def _shared_prefix(config: TritonConfig) -> str:
    return f"aisle-triton-{config.port}-"


def _check_port(config: TritonConfig) -> None:
    """Raises TritonMissing when another server has the port."""
    with socket.socket() as probe:
        if probe.connect_ex((config.host, config.port)) == 0:
            raise TritonMissing(f"port {config.port} is taken; set AISLE_TRITON_PORT")


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
