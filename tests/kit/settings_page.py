"""Writes docs/settings.md from the settings themselves: `python -m tests.kit.settings_page`."""

import importlib
from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import BaseSettings

from services.kit.config import Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/settings.md"
HEAD = """# Settings

Read from the environment once, at start. This page is written by `python -m tests.kit.settings_page`
from the descriptions in each service's `config.py`; a test compares.

A shared setting may be set for one service alone by that service's prefix: AISLE_SEARCH_HOME.
"""
TRACES = """
## Traces

Calls are traced when OTEL_EXPORTER_OTLP_ENDPOINT is set, and else pay nothing for it.
OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say how much; the rest of OpenTelemetry's OTEL_*
variables hold too.

## Not for people

AISLE_FOLLOW_PARENT is set by the `aisle` command for the parts it starts, which must not outlive it.
"""


def classes() -> dict[str, type[BaseSettings]]:
    """The heading of each settings class, the shared ones first."""
    paths = [*ROOT.glob("services/*/config.py"), *ROOT.glob("services/*/settings.py")]
    paths += [*ROOT.glob("services/*/*/config.py"), *ROOT.glob("services/*/*/settings.py")]
    found: dict[str, type[BaseSettings]] = {"shared": Settings}
    for path in sorted(paths):
        folder = path.relative_to(ROOT).parent.parts[1:]
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for kind in vars(module).values():
            own = isinstance(kind, type) and issubclass(kind, BaseSettings)
            if own and kind.__module__ == module.__name__ and kind is not Settings:
                found[" ".join(folder)] = kind
    return found


def variables(kind: type[BaseSettings]) -> Mapping[str, tuple[str, str]]:
    """Each variable's default and description."""
    rows = {}
    prefix = str(kind.model_config.get("env_prefix", ""))
    for name, field in kind.model_fields.items():
        factory = field.default_factory is not None
        default = "" if factory or field.default is None else str(field.default)
        rows[str(field.validation_alias or (prefix + name).upper())] = (default, field.description or "")
    return rows


def render() -> str:
    """The page."""
    shared, parts = {*variables(Settings)} - {"AISLE_PORT", "AISLE_METRICS_PORT"}, [HEAD]
    for title, kind in classes().items():
        rows = variables(kind)
        kept = [n for n in rows if (n in shared if kind is Settings else n not in shared)]
        parts += [f"\n## {title.capitalize()}\n\n", "| variable | default | what it says |\n|---|---|---|\n"]
        for name in kept:
            default, description = rows[name]
            parts.append(f"| {name} | {f'`{default}`' if default else ''} | {description} |\n")
    return "".join([*parts, TRACES])


if __name__ == "__main__":
    PAGE.write_text(render())
