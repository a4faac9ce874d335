"""Each option of a command stands in the page that tells of it."""

import inspect
from pathlib import Path

import pytest
import typer

from services.__main__ import app
from services.cli.evaluate import _NOT_OPTIONS
from services.search.evaluate import evaluate

DOCS = Path(__file__).parents[2] / "docs"
COMMON = {"--help", "--json"}


def options(*words: str) -> set[str]:
    command = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    return {each for parameter in command.params for each in parameter.opts if each.startswith("--")} - COMMON


@pytest.mark.parametrize(
    "words", [("page",), ("search", "report"), ("search", "controls"), ("search", "synonyms")]
)
def test_options_stand_in_the_page_of_commands(words: tuple[str, ...]) -> None:
    told = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert not [
        option for option in sorted(options(*words)) if f"{option}`" not in told and f"{option} " not in told
    ]


def test_options_of_an_evaluation_stand_in_the_pages_of_search() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("search*.md"))
    known = [
        p.name.replace("_", "-")
        for p in inspect.signature(evaluate).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    assert not [name for name in known if name not in _NOT_OPTIONS and f"--{name}" not in told]
