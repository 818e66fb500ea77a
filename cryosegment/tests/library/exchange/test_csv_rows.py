# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from pathlib import Path

import pytest

from cryosegment.exchange.csv_rows import LONGEST_ROW, append_row, csv_text, read_rows, write_rows
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
