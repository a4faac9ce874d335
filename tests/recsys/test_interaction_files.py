"""Reading files of interactions: what is understood, and what a bad one is told."""

import gzip
from pathlib import Path

import pytest

from services.recsys.adapters.interaction_files import BadFileError, read


def written(tmp_path: Path, name: str, text: str) -> Path:
    """A file with this text."""
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_line_a_user_in_time_order(tmp_path: Path):
    found = read(written(tmp_path, "a.txt", "ann milk bread milk\n\nbob bread\ncid\n"))
    assert found.users == ["ann", "bob", "cid"][: len(found.users)]
    assert found.items == ["milk", "bread"]
    assert found.data.past(0).items.tolist() == [0, 1, 0]
    assert found.data.past(0).baskets.tolist() == [0, 1, 2]
    assert found.data.past(1).items.tolist() == [1]
    assert found.future is None


def test_baskets_of_each_user_without_the_marks_at_their_ends(tmp_path: Path):
    text = '{"ann": [[-1], [5, 6], [], [5], [-1]], "7": [[-1], ["x"], [-1]]}'
    found = read(written(tmp_path, "a.json", text))
    assert found.users == ["ann", "7"]
    assert found.items == ["5", "6", "x"]
    assert found.data.past(0).items.tolist() == [0, 1, 0]
    assert found.data.past(0).baskets.tolist() == [0, 0, 1]
    assert found.data.past(0).times.tolist() == [0, 0, 1]


def test_a_test_file_shares_users_and_items(tmp_path: Path):
    train = written(tmp_path, "train.txt", "1 10 20\n2 20\n")
    test = written(tmp_path, "test.txt", "2 10 30\n3 20\n")
    found = read(train, test)
    assert found.users == ["1", "2", "3"]
    assert found.items == ["10", "20", "30"]
    assert found.future is not None
    assert [found.future.past(user).items.tolist() for user in range(3)] == [[], [0, 2], [1]]
    assert found.data.items == found.future.items == 3
    assert found.data.past(2).items.tolist() == []


@pytest.mark.parametrize("name", ["a.txt.gz", "a"])
def test_a_gzipped_file_reads_the_same_whatever_its_name(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(gzip.compress(b"1 2 3\n"))
    assert read(tmp_path / name).items == ["2", "3"]


def test_a_plain_file_reads_the_same_whatever_its_name(tmp_path: Path):
    assert read(written(tmp_path, "a.txt.gz", "1 2 3\n")).items == ["2", "3"]


def test_a_gzipped_file_that_was_cut_off_is_refused(tmp_path: Path):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"1 2 3\n4 5 6\n")[:-12])
    with pytest.raises(BadFileError, match="damaged"):
        read(tmp_path / "cut.gz")


def test_ids_in_json_may_have_spaces(tmp_path: Path):
    assert read(written(tmp_path, "a", '{"ann b": [["oat milk", 5]]}')).items == ["oat milk", "5"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff7 9{0} 8\n8 9{0}\n",
        "\r\n7 9{0} 8\r\n\r\n8 9{0}",
        '\ufeff{{"7": [[9{0}], [8]], "8": [[9{0}]]}}\r\n',
    ],
    ids=["byte order mark", "windows lines", "JSON with byte order mark"],
)
def test_marks_and_line_ends_of_other_systems_and_huge_ids_are_understood(tmp_path: Path, text: str):
    (tmp_path / "a").write_bytes(text.format("0" * 30).encode())
    found = read(tmp_path / "a")
    assert found.users == ["7", "8"]
    assert found.items == ["9" + "0" * 30, "8"]
    assert found.data.past(0).items.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 2\n2 3\n1 4\n", "line 3: user 1 stood on line 1 already"),
        ("", "no interactions in it"),
        ("1\n2\n", "no interactions in it"),
        ('{"1": [[2],\n  [3}', "line 2: Expecting"),
        ("[1, 2]", "expected one JSON object"),
        ('{"1": [2, 3]}', "user 1: expected a list of baskets"),
        ('{"1": [[2, null]]}', "user 1: an item is neither a number nor a word"),
        ('{"1": [[2]], "1": [[3]]}', "user 1 stands there twice"),
        ("1 \x00\x01\n", "line 1: not text"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, text: str, told: str):
    file = written(tmp_path, "bad", text)
    with pytest.raises(BadFileError, match="bad") as error:
        read(file)
    assert told in str(error.value)


def test_a_test_file_with_nothing_in_it_is_named(tmp_path: Path):
    with pytest.raises(BadFileError, match=r"future: no interactions in it"):
        read(written(tmp_path, "past", "1 2\n"), written(tmp_path, "future", "1\n"))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    (tmp_path / "bad").write_bytes(b"1 2\n\xff\xfe\n")
    with pytest.raises(BadFileError, match="not text"):
        read(tmp_path / "bad")
