# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from pathlib import Path

import pytest

from cryosegment.exchange.csv_rows import (
    LONGEST_ROW,
    append_row,
    csv_text,
    read_rows,
    read_table,
    titles_of,
    write_rows,
)
from cryosegment.exchange.errors import InputError

ROWS = [["a, b", "1"], ['c"', ""], ["é", "3"]]


def test_rows_are_added_after_the_titles(tmp_path: Path) -> None:
    path = tmp_path / "new" / "t.csv"
    assert read_rows(path) == []
    for row in ROWS:
        append_row(path, row, ("name", "number"))
    with path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [["name", "number"], *ROWS]
    assert read_rows(path) == [["name", "number"], *ROWS]
    assert path.read_text(encoding="utf-8") == csv_text([("name", "number"), *ROWS])


@pytest.mark.parametrize("kept", [0, 1, 300])
@pytest.mark.parametrize("rest", ['"d, ', "d,4", "é"])
def test_a_row_that_a_crash_has_cut_short_is_dropped(tmp_path: Path, kept: int, rest: str) -> None:
    path, rows = tmp_path / "t.csv", [[f"row {i}", "x" * 400] for i in range(kept)]
    assert kept < 300 or len(csv_text(rows)) > LONGEST_ROW
    path.write_text(csv_text(rows) + rest, encoding="utf-8")
    assert read_rows(path) == rows
    append_row(path, ROWS[0])
    assert read_rows(path) == [*rows, ROWS[0]]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        append_row(tmp_path / "file" / "t.csv", ROWS[0])
    with pytest.raises(InputError, match="cannot write"):
        append_row(tmp_path, ROWS[0])


def test_numbers_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_rows(path, ("name", "value"), [("a, b", 1 / 3), ("c", float("nan")), ("d", 7)])
    assert path.read_text() == 'name,value\n"a, b",0.3333\nc,\nd,7\n'


def test_folders_of_a_file_are_made(tmp_path):
    append_row(tmp_path / "some" / "where" / "rows.csv", ["a", 1])
    assert (tmp_path / "some" / "where" / "rows.csv").read_text() == "a,1\n"


def test_rows_of_a_table_by_column(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text('name,why\nm1,"far, far away"\nm2,\n')
    assert read_table(table) == [
        {"name": "m1", "why": "far, far away"},
        {"name": "m2", "why": ""},
    ]
    with pytest.raises(InputError, match="does not exist"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,why\nm1\n", "expected 2 values in every row of .*, got 1"),
        ("name,why\nm1,a,b\n", "expected 2 values in every row of .*, got 3"),
        ("name,x\nm1,1\n", "expected the column why"),
        ("", "expected the column name"),
        ('name,why\nm1,"' + "far " * 40_000, "field larger than field limit"),
    ],
    ids=["short", "long", "columns", "empty", "quote"],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "t.csv", ("name", "why"))


def test_a_quotation_without_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('"' + "a," * 100_000 + "\n")
    for read in (read_rows, titles_of):
        with pytest.raises(InputError, match="field larger than field limit"):
            read(tmp_path / "t.csv")
