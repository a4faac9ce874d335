"""The verbs as a person or a program meets them: what they refuse, and that --json is one object."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.__main__ import app
from services.cli import checks, evaluate
from services.cli.settings import Config

VERBS = ("import", "train", "evaluate", "page", "up", "run", "doctor", "demo")
runner = CliRunner()


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No part answers on these ports, and all state is in an empty folder."""
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AISLE_GATEWAY", "127.0.0.1:1")
    monkeypatch.setenv("AISLE_NATS_URL", "nats://127.0.0.1:2")
    for part in ("GATEWAY", "RECSYS", "SEARCH", "VISION", "PRICING", "TRITON"):
        monkeypatch.setenv(f"AISLE_{part}_PORT", "3")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    assert runner.invoke(app, [verb, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["train", "weather"],
        ["evaluate", "gateway"],
        ["evaluate", "search", "stray"],
        ["evaluate", "search", "--nonsense", "1"],
        ["evaluate", "search", "--products", "only.jsonl"],
        ["page", "checkout"],
        ["page", "product"],
        ["page", "image", "no-such-file.jpg"],
        ["run", "kafka"],
        ["import", "orders", __file__],
        ["import", "products", "no-such-file.jsonl"],
    ],
)
def test_what_does_not_exist_is_refused(words: list[str]) -> None:
    result = runner.invoke(app, words)
    assert result.exit_code == 2, result.output


@pytest.mark.parametrize("option", ["--magic", "--images"])
def test_an_option_that_a_service_does_not_have_is_refused(option: str) -> None:
    result = runner.invoke(app, ["train", "pricing", option, "x"])
    assert result.exit_code == 2
    assert f"no option {option}" in result.output


def test_a_page_without_a_gateway_says_what_to_do() -> None:
    result = runner.invoke(app, ["page", "home"])
    assert result.exit_code == 1
    assert "aisle doctor" in result.stderr


def test_doctor_says_what_is_not_running_and_what_to_do() -> None:
    result = runner.invoke(app, ["doctor", "--json"])
    findings = {finding["part"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert findings["python"]["state"] == "ok"
    assert findings["nats binary"]["state"] == "ok"
    assert findings["model of search"]["todo"] == "run `aisle train search`"
    assert findings["gateway"]["found"] == "not running; 127.0.0.1:3 is free"
    assert findings["gateway"]["todo"] == "run `aisle up`"
    assert "what to do" in runner.invoke(app, ["doctor"]).stdout


def test_doctor_finds_a_missing_triton_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AISLE_TRITON_ENV", str(tmp_path))
    result = runner.invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    (broken,) = [finding for finding in json.loads(result.stdout)["findings"] if finding["state"] == "broken"]
    assert broken["part"] == "triton binary"


def test_doctor_finds_a_strange_program_on_a_port(monkeypatch: pytest.MonkeyPatch, nats_url: str) -> None:
    monkeypatch.setenv("AISLE_NATS_URL", nats_url)
    monkeypatch.setenv("AISLE_SEARCH_PORT", nats_url.rsplit(":", 1)[1])
    findings = {finding.part: finding for finding in checks.look(Config())}  # type: ignore[call-arg]
    assert findings["nats"].state == "ok"
    assert findings["log"].state == "ok"
    assert findings["search"].state == "broken"
    assert "run/search.log" in findings["search"].todo


def test_doctor_goes_on_when_a_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MIN_PYTHON", (99,))
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: None)
    findings = {finding.part: finding for finding in checks.look(Config())}  # type: ignore[call-arg]
    assert findings["python"].state == findings["disk"].state == "broken"
    assert "model of search" in findings


def test_options_by_name() -> None:
    async def measure(config: object, *, progress: object, products: Path, top: int = 10) -> None: ...

    assert evaluate.named(["--products", "a.jsonl", "--top=5"]) == {"products": "a.jsonl", "top": "5"}
    assert evaluate.typed(measure, {"products": "a.jsonl", "top": "5"}) == {
        "products": Path("a.jsonl"),
        "top": 5,
    }
    with pytest.raises(typer.BadParameter, match="--products"):
        evaluate.typed(measure, {"top": "5"})
    with pytest.raises(typer.BadParameter, match="there are: --products, --top"):
        evaluate.typed(measure, {"images": "x"})
    with pytest.raises(typer.BadParameter, match="top"):
        evaluate.typed(measure, {"products": "a", "top": "many"})


@pytest.mark.parametrize(
    ("text", "reason"), [("1 2\n1 3\n", "BAD_FILE"), ("1 2\n", "BAD_DATA"), (None, "IO_ERROR")]
)
def test_programs_are_told_why_an_evaluation_is_refused(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    file = tmp_path / "file.txt"
    if text is not None:
        file.write_text(text)
    words = ["evaluate", "recsys", "--interactions", str(file), "--protocol", "leave-one-out", "--json"]
    result = runner.invoke(app, words)
    told = json.loads(result.stdout)
    assert (result.exit_code, told["service"], told["error"]["reason"]) == (1, "recsys", reason)
    assert told["error"]["message"]
