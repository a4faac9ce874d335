"""The view against the log: killed anywhere it comes back the same, built anew it is the same."""

import random
import subprocess
import sys
from pathlib import Path

from aisle.catalog.v1 import product_pb2

from services.kit.log import CATALOG, Entry, Record
from services.search.adapters.sqlite_view import TABLES, SearchView, open_database
from tests.search.shop import BEGIN, SHOP, clicked, delete, product, records, searched, shop_database, upsert

WORDS = ("oat", "milk", "tea", "wood", "train", "café", "牛奶")
CHANGES = 1_500
KILLS = 4


def history(count: int) -> list[Entry]:
    """Products that come, change and go, searches and clicks; the same at every call."""
    dice = random.Random(7)
    entries = []
    for number in range(count):
        id_ = f"p{dice.randrange(count // 5)}"
        title = " ".join(dice.choices(WORDS, k=3))
        if dice.random() < 0.2:
            entries.append(delete(id_))
        elif dice.random() < 0.2:
            entries.append(searched(f"m{number}", title, f"v{dice.randrange(50)}"))
        elif dice.random() < 0.2:
            entries.append(clicked(f"m{number}", id_, f"v{dice.randrange(50)}"))
        else:
            path = " > ".join(dice.choices(WORDS, k=dice.randrange(4)))
            entries.append(upsert(product(id_, title, path, dice.choice(WORDS), dice.randrange(900) / 100)))
    return entries


def run(home: str) -> None:
    """What the killed process does: applies what it lacks, a few records at a time, and says so."""
    database = open_database(Path(home))
    view = SearchView(database)
    for stream in view.streams:
        new = [
            r for r in records(history(CHANGES)) if r.stream == stream and r.sequence > view.position(stream)
        ]
        for start in range(0, len(new), 7):
            view.apply(new[start : start + 7])
            print(stream, new[start].sequence, flush=True)
    print("done", flush=True)


def start(home: Path) -> "subprocess.Popen[str]":
    code = f"from tests.search.test_view import run; run({str(home)!r})"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_view_killed_at_any_moment_comes_back_the_same(tmp_path: Path) -> None:
    dice = random.Random(11)
    for _ in range(KILLS):
        process = start(tmp_path / "killed")
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 40)):
            process.stdout.readline()
        process.kill()
        process.communicate()
    last, _ = start(tmp_path / "killed").communicate(timeout=60)
    assert last.endswith("done\n")
    killed = open_database(tmp_path / "killed")
    with shop_database(tmp_path / "whole", history(CHANGES)) as whole:
        assert killed.digest(*TABLES) == whole.digest(*TABLES)
    killed.close()


def test_a_view_built_anew_from_the_compacted_log_is_the_same(tmp_path: Path) -> None:
    every = records(history(CHANGES))
    last = {record.key: record for record in every if record.stream == CATALOG}
    compacted = [r for r in every if r.stream != CATALOG or last[r.key] is r]
    anew = open_database(tmp_path / "anew")
    view = SearchView(anew)
    for stream in view.streams:
        view.apply([record for record in compacted if record.stream == stream])
    with shop_database(tmp_path / "whole", history(CHANGES)) as whole:
        assert anew.digest(*TABLES) == whole.digest(*TABLES)
    anew.close()


def test_all_products_deleted_leaves_nothing(tmp_path: Path) -> None:
    entries = [*map(upsert, SHOP), *(delete(item.id) for item in SHOP), delete("never there")]
    with shop_database(tmp_path, entries) as database, database.read() as connection:
        for table in TABLES:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_what_cannot_be_read_is_skipped_and_counted(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    view = SearchView(database)
    good = product_pb2.ProductChange(upsert=SHOP[0]).SerializeToString()
    view.apply(
        [
            Record(CATALOG, 1, "x", b"\xff\xff\xff", BEGIN),
            Record(CATALOG, 2, "y", b"", BEGIN),
            Record(CATALOG, 3, "milk-1", good, BEGIN),
        ]
    )
    assert (view.unreadable, view.position(CATALOG)) == (1, 3)
    with database.read() as connection:
        assert connection.execute("SELECT id FROM products").fetchall() == [("milk-1",)]
    database.close()
