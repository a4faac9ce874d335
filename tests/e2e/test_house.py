"""What a newcomer does, run as they would: the demo cold and warm, and every command of README and docs."""

import json
import re
import shlex
import subprocess

import pytest

from tests.e2e.conftest import ROOT, Demos

PAGES = ["home", "search", "product", "cart", "image"]

SELF = {
    "make test": "it is what runs this test",
    "make lint": ".ci/run runs it beside this test",
    "make bench": "minutes of measuring; each benchmark is a script that make bench runs",
    "make clean": "it would delete the environment this test runs in",
    "make demo": "test_the_demo runs it",
    "make up": "the fixture `up` runs it",
}
"""Commands that are not run as a line of the docs, and why."""


@pytest.mark.slow
@pytest.mark.timeout(60, func_only=True)
@pytest.mark.parametrize("run", ["cold", "warm"])
def test_the_demo(demos: Demos, house: dict[str, str], run: str) -> None:
    done = demos[run]
    print(done.stdout[-20_000:], done.stderr[-4_000:])
    assert done.returncode == 0
    for title in ("Picked for you", "Buy it again", "Results", "Similar products", "Your cart", "Looks like"):
        assert title in done.stdout


def commands() -> list[tuple[str, str]]:
    """Every `$ ` line of a console block in README and docs, once, with the file it stands in."""
    found: dict[str, str] = {}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    found.setdefault(line[2:].partition("  # ")[0].strip(), path.name)
    return list(found.items())


@pytest.mark.slow
@pytest.mark.timeout(300, func_only=True)
@pytest.mark.parametrize(("command", "where"), [pair for pair in commands() if pair[0] not in SELF])
def test_a_command_of_the_docs(up: dict[str, str], command: str, where: str) -> None:
    path = f"{ROOT / '.venv/bin'}:{up['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", command], cwd=ROOT, env={**up, "PATH": path}, capture_output=True, text=True
    )
    print(done.stdout[-4_000:], done.stderr[-4_000:])
    assert done.returncode == 0, f"{where}: {command}"
    if "--json" in shlex.split(command):
        assert isinstance(json.loads(done.stdout), dict)


def test_no_command_stands_in_a_block_that_is_not_run() -> None:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        assert not re.findall(r"```(?:sh|bash|shell|zsh)\b", path.read_text()), path.name


@pytest.mark.slow
@pytest.mark.timeout(120, func_only=True)
def test_the_python_of_the_readme(up: dict[str, str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    command = [".venv/bin/python", "-c", program, "ann", up["AISLE_GATEWAY"]]
    done = subprocess.run(command, cwd=ROOT, env=up, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "event written" in done.stdout
