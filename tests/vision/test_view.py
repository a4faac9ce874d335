"""The view of the catalogue: killed anywhere or built anew, it comes back the same."""

import contextlib
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from aisle.catalog.v1 import product_pb2

from services.kit.log import CATALOG, Record
from services.vision.adapters.view import FROM_LOG, CatalogView

TIME = datetime(2026, 1, 1, tzinfo=UTC)
BATCH, RECORDS = 7, 400
KILLS = 6

# The child applies the records from where its file stands, tells each batch that is committed, and goes on
# when it is told to.
CHILD = f"""
import sys
from pathlib import Path
from services.kit.log import CATALOG
from services.vision.adapters.view import CatalogView
from tests.vision.test_view import BATCH, records
view = CatalogView(Path(sys.argv[1]))
left = [record for record in records() if record.sequence > view.position(CATALOG)]
for start in range(0, len(left), {BATCH}):
    view.apply(left[start:start + {BATCH}])
    print(view.position(CATALOG), flush=True)
    sys.stdin.readline()
"""


def change(product_id: str, *pictures: str) -> bytes:
    images = [
        product_pb2.Image(uri=one) if one.startswith("file:") else product_pb2.Image(content=one.encode())
        for one in pictures
    ]
    product = product_pb2.Product(id=product_id, title=product_id, brand="B", images=images)
    return product_pb2.ProductChange(upsert=product).SerializeToString()


def records() -> list[Record]:
    """Upserts, repeats and deletes of few products that share few pictures, and one that is no message."""
    rng = random.Random(3)
    made = []
    for sequence in range(1, RECORDS + 1):
        product_id = f"p{rng.randrange(30)}"
        if rng.random() < 0.3:
            payload = product_pb2.ProductChange(delete_id=product_id).SerializeToString()
        else:
            pictures = [f"picture {rng.randrange(15)}" for _ in range(rng.randrange(4))]
            payload = change(product_id, *pictures, *(["file:///x.jpg"] if rng.random() < 0.2 else []))
        made.append(Record(CATALOG, sequence, product_id, b"\xff" if sequence == 50 else payload, TIME))
    return made


def whole(path: Path, made: list[Record], batch: int) -> CatalogView:
    view = CatalogView(path)
    for start in range(0, len(made), batch):
        view.apply(made[start : start + batch])
    return view


def test_killed_at_random_points_it_comes_back_the_same(tmp_path: Path) -> None:
    rng, path, kills = random.Random(5), tmp_path / "killed.db", 0
    while True:
        pipe = subprocess.PIPE
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path)], stdin=pipe, stdout=pipe, text=True, bufsize=1
        )
        assert child.stdout is not None
        assert child.stdin is not None
        until = rng.randrange(1, 10) if kills < KILLS else RECORDS
        lines = []
        for line, _ in zip(child.stdout, range(until), strict=False):
            lines.append(line)
            child.stdin.write("on\n")
        if kills < KILLS:
            child.kill()
            kills += 1
        ended = child.wait()
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        if ended == 0 and (not lines or int(lines[-1]) == RECORDS):
            break
    assert kills == KILLS
    expected = whole(tmp_path / "whole.db", records(), RECORDS)
    view = CatalogView(path)
    assert view.position(CATALOG) == RECORDS
    assert view.database.digest(*FROM_LOG) == expected.database.digest(*FROM_LOG)


def test_built_anew_from_what_the_log_kept_it_is_the_same(tmp_path: Path) -> None:
    last = {record.key: record for record in records() if record.sequence != 50}
    kept = sorted(last.values(), key=lambda record: record.sequence)
    followed = whole(tmp_path / "followed.db", records(), BATCH)
    rebuilt = whole(tmp_path / "rebuilt.db", kept, 3)
    assert rebuilt.database.digest(*FROM_LOG) == followed.database.digest(*FROM_LOG)


def test_a_picture_that_two_products_show_is_kept_until_both_are_gone(tmp_path: Path) -> None:
    view = CatalogView(tmp_path / "view.db")
    gone = product_pb2.ProductChange(delete_id="a").SerializeToString()
    changes = [("a", change("a", "same")), ("b", change("b", "same", "own")), ("a", gone)]
    view.apply([Record(CATALOG, i, key, data, TIME) for i, (key, data) in enumerate(changes, 1)])
    view.generations.begin("m")
    pictures = view.generations.unseen("m", "", 10)
    assert sorted(picture.content or b"" for picture in pictures) == [b"own", b"same"]
    view.apply([Record(CATALOG, 4, "b", change("b", "own"), TIME)])
    assert [picture.content for picture in view.generations.unseen("m", "", 10)] == [b"own"]
