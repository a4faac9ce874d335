"""How fast completions are in a large catalogue, of titles made up from the electronics shop's.

python -m tests.benchmarks.bench_search_complete [--products N] [--queries N]

Each made-up title is two real ones of one brand put together: the first half of one and the second half of
another, with a number; so openings are as common as in the shop. Past queries are openings of titles.
"""

import argparse
import gzip
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from services.kit.views import Database
from services.search.adapters import sqlite_completions
from services.search.adapters.sqlite_completions import SqliteCompletions
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import open_database
from services.search.adapters.sqlite_vocabulary import Vocabulary
from services.search.domain.complete import Completer
from services.search.domain.product import paths

DATA = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "search"
ASKED = 5_000
SHOPPERS = 20_000


def made_up(count: int, dice: random.Random) -> Iterator[tuple[str, str, list[str]]]:
    """Title, brand and category paths."""
    with gzip.open(DATA / "electronics-products.jsonl.gz", "rt") as lines:
        real = [json.loads(line) for line in lines]
    for number in range(count):
        first, second = dice.choice(real), dice.choice(real)
        head, tail = first["title"].split(), second["title"].split()
        title = " ".join([*head[: (len(head) + 1) // 2], *tail[len(tail) // 2 :], str(number % 1_000)])
        brand = f"{first.get('brand', '')} {dice.randrange(20) or ''}".strip()
        yield title, brand, paths(tuple(first.get("categories", ())))


def fill(database: Database, products: int, queries: int) -> list[str]:
    """Writes the tables that completions read; returns some of the titles."""
    dice = random.Random(5)
    titles = []
    with database.write() as connection:
        vocabulary = Vocabulary(connection)
        for number, (title, brand, categories) in enumerate(made_up(products, dice)):
            sqlite_completions.add_terms(connection, title, brand, categories)
            vocabulary.add(str(number), "", (title, brand, *categories))
            titles.append(title)
        vocabulary.write()
        for number in range(queries):
            query = " ".join(dice.choice(titles).casefold().split()[: dice.randint(1, 3)])
            shopper = f"v{dice.randrange(SHOPPERS)}"
            sqlite_completions.add_query(connection, number, query, shopper, "")
    return titles


def typed(titles: list[str], *, slips: bool) -> Iterator[tuple[str, str]]:
    """Openings of 1 to 12 letters, as meant and as typed: with two neighbours from the second on swapped."""
    dice = random.Random(9)
    for _ in range(ASKED):
        meant = opening = dice.choice(titles).casefold()[: dice.randint(4 if slips else 1, 12)]
        if slips:
            place = dice.randrange(1, len(opening) - 1)
            opening = opening[:place] + opening[place + 1] + opening[place] + opening[place + 2 :]
        yield meant, opening


def measure(products: int, queries: int) -> dict[str, object]:
    """All figures."""
    with tempfile.TemporaryDirectory() as home:
        database = open_database(Path(home))
        begun = time.perf_counter()
        titles = fill(database, products, queries)
        figures: dict[str, object] = {"products": products, "build_s": round(time.perf_counter() - begun, 1)}
        figures["file_mb"] = round(sum(f.stat().st_size for f in Path(home).rglob("*.db*")) / 1e6)
        complete = Completer(SqliteCompletions(database), SqliteLexicon(database)).complete
        for name, slips in (("as typed", False), ("with a slip", True)):
            spent, answered, mended, right = [], 0, 0, 0
            for number, (meant, opening) in enumerate(typed(titles, slips=slips)):
                start = time.process_time()
                found = complete(opening, 8, f"v{number}")
                spent.append((time.process_time() - start) * 1_000)
                answered += bool(found.suggestions)
                mended += bool(found.corrected)
                right += any(meant.strip() in one.text.casefold() for one in found.suggestions)
            p50, p99, most = np.quantile(spent, [0.5, 0.99, 1])
            figures[name] = {
                "cpu_ms": {"p50": round(p50, 2), "p99": round(p99, 2), "max": round(most, 2)},
                "answered": answered / ASKED,
                "mended": mended / ASKED,
                "with what was meant": right / ASKED,
            }
        database.close()
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=500_000)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.products, arguments.queries), indent=1))
