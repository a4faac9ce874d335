"""Whether the names of the demo shop's categories are predicted as themselves, by what serves.

    python -m tests.benchmarks.bench_search_categories --home FOLDER [--json]

Each distinct name of a category, on every level, is searched for; it counts when the surest predicted one
lies in it. FOLDER has a model (`aisle train search`).
"""

import argparse
import asyncio
import json
from collections import defaultdict
from pathlib import Path

from services.cli.demo_shop import make
from services.kit.models import ModelStore
from services.kit.progress import silent
from services.search.adapters.judged_files import read_products
from services.search.config import Config
from services.search.domain.request import Request
from services.search.domain.stages import ALL
from services.search.offline import searchable


async def measured(config: Config) -> dict[str, object]:
    """How many names of each level are predicted first, or among the predicted; and which are not."""
    model = ModelStore(config.home, "search").current()
    if model is None:
        raise SystemExit("no model: run `aisle train search`")
    products = list(read_products(make(config.home / "demo").products))
    levels: defaultdict[int, set[str]] = defaultdict(set)
    for product in products:
        for path in product.categories:
            for level, name in enumerate(path.split(" > "), 1):
                levels[level].add(name)
    found: dict[str, object] = {}
    async with searchable(config, model, products, silent) as built:
        searcher = built.searcher(ALL)
        for level, names in sorted(levels.items()):
            told = {name: searcher.search(Request(name, page_size=1)).categories for name in sorted(names)}
            first = [name for name, ps in told.items() if ps and name in ps[0].path.split(" > ")]
            among = [name for name, ps in told.items() if any(name in p.path.split(" > ") for p in ps)]
            found[f"level {level}"] = {"names": len(names), "first": len(first), "among": len(among)}
            missed = {name: [p.path for p in told[name]] for name in sorted(names.difference(first))}
            found[f"level {level} missed"] = missed
    return found


def main() -> None:
    """Prints what was found; the names that were missed with --json."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--home", type=Path, required=True)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    figures = asyncio.run(measured(Config(home=asked.home)))  # type: ignore[call-arg]
    if asked.json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    for name, value in figures.items():
        if not name.endswith("missed"):
            print(name, value)


if __name__ == "__main__":
    main()
