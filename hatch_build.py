"""Generates the gRPC stubs and their types from protos/ whenever the distribution is built or installed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface[Any]):
    """Runs `buf generate`; the stubs land in gen/, which is packaged and never committed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generates once a build. Raises CalledProcessError when a proto does not compile."""
        tools = str(Path(sys.executable).parent)
        environment = {**os.environ, "PATH": os.pathsep.join([tools, os.environ["PATH"]])}
        command = ["buf", "generate"]
        subprocess.run(command, cwd=self.root, env=environment, check=True, stderr=subprocess.PIPE)
