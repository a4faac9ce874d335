"""The benchmarks that the docs name run to their end; what they print is for people, and not judged here."""

import subprocess

import pytest

from tests.e2e.conftest import ROOT

COMMANDS = [
    "tests.benchmarks.bench_pages 3",
    "tests.benchmarks.bench_gateway --json",
    "tests.benchmarks.bench_pricing --products 500 --baskets 50",
    "tests.benchmarks.bench_search --products 500 --home {AISLE_HOME}",
]


@pytest.mark.slow
@pytest.mark.timeout(300, func_only=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_benchmark_runs(up: dict[str, str], command: str) -> None:
    words = [".venv/bin/python", "-m", *command.format(**up).split()]
    done = subprocess.run(words, cwd=ROOT, env=up, capture_output=True, text=True)
    print(done.stdout[-4_000:], done.stderr[-4_000:])
    assert done.returncode == 0
    assert done.stdout.strip()
    assert "not measured" not in done.stdout
