# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.pick_summary import (
    EMPTY,
    GOOD,
    OTHER_CONTRAST,
    OTHER_DIAMETER,
    MicrographSummary,
    append_summary,
    odd_micrographs,
    read_summaries,
    write_summaries,
)

NAN = float("nan")
ONE = MicrographSummary("a, b", 1.77, (4096, 5760), 12, 11.25, 0.875, 0.25)
DOUBTED = (OTHER_DIAMETER, OTHER_CONTRAST)
EMPTY_ONE = MicrographSummary("c", 2.0, (8, 9), 0, NAN, NAN, 0.1, EMPTY, 0.25, DOUBTED)
OLD = """micrograph,pixel_size,shape,picks,expected,mean_score,contamination,doubts
good,1.5,8 x 9,7,7.5000,0.9000,0.0000,
ice,1.5,8 x 9,0,,,0.0000,empty; other contrast
"""


def same(one: MicrographSummary, other: MicrographSummary) -> bool:
    pairs = zip(vars(one).values(), vars(other).values())
    return all(a == b or (a != a and b != b) for a, b in pairs)


def test_written_and_read(tmp_path: Path) -> None:
    assert read_summaries(tmp_path) == {}
    write_summaries(tmp_path, [ONE, EMPTY_ONE])
    found = read_summaries(tmp_path)
    assert list(found) == ["a, b", "c"]
    assert same(found["a, b"], ONE)
    assert same(found["c"], EMPTY_ONE)
    with (tmp_path / "micrographs.csv").open() as file:
        row = list(csv.DictReader(file))[1]
    assert row["expected"] == ""
    assert (row["grade"], row["quality"]) == ("empty", "0.2500")
    assert row["doubts"] == "other diameter; other contrast"


def test_rows_are_added_and_the_last_of_a_name_counts(tmp_path: Path) -> None:
    folder = tmp_path / "missing" / "output"
    for summary in (ONE, EMPTY_ONE, MicrographSummary("c", 2.0, (8, 9), 7, 7.5, 0.9, 0.0)):
        append_summary(folder, summary)
    found = read_summaries(folder)
    assert set(found) == {"a, b", "c"}
    assert found["c"].picks == 7
    assert math.isclose(found["c"].expected, 7.5)
    assert (folder / "micrographs.csv").read_text().count("micrograph,") == 1


def test_a_table_of_an_earlier_version(tmp_path: Path) -> None:
    """Grades were doubts; a run that goes on there brings the table up to date."""
    (tmp_path / "micrographs.csv").write_text(OLD)
    for count in (2, 3):
        found = read_summaries(tmp_path)
        assert len(found) == count
        assert (found["good"].grade, found["good"].doubts) == (GOOD, ())
        assert (found["ice"].grade, found["ice"].doubts) == (EMPTY, (OTHER_CONTRAST,))
        assert math.isnan(found["ice"].quality)
        append_summary(tmp_path, ONE)


def test_odd_micrographs_are_counted() -> None:
    lines = list(odd_micrographs([ONE, EMPTY_ONE]))
    assert [line.split(" (")[0] for line in lines] == ["empty", *DOUBTED]
    assert all(line.endswith("1 of 2 micrographs, such as c") for line in lines)
    assert list(odd_micrographs([ONE])) == []


def test_most_micrographs_with_hardly_a_particle_are_odd() -> None:
    few = replace(ONE, expected=9.9)
    (line,) = odd_micrographs([ONE, few, few])
    assert line.startswith("sparse (fewer than 10 particles are expected: the diameter may be")
    assert line.endswith("2 of 3 micrographs, such as a, b")
    assert list(odd_micrographs([ONE, few])) == []
    assert list(odd_micrographs([replace(ONE, expected=NAN)] * 3)) == []


def test_tables_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "micrographs.csv").write_text("micrograph,picks\na,many\n")
    with pytest.raises(InputError, match="expected the columns micrograph, pixel_size"):
        read_summaries(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        append_summary(tmp_path / "file" / "output", ONE)


def test_a_row_that_a_crash_has_cut_short_is_no_summary(tmp_path: Path) -> None:
    append_summary(tmp_path, ONE)
    whole = (tmp_path / "micrographs.csv").read_text()
    append_summary(tmp_path, EMPTY_ONE)
    for length in range(len(whole), len((tmp_path / "micrographs.csv").read_text())):
        text = (tmp_path / "micrographs.csv").read_text()
        (tmp_path / "micrographs.csv").write_text(text[:length])
        assert list(read_summaries(tmp_path)) == ["a, b"]
        append_summary(tmp_path, EMPTY_ONE)
        assert list(read_summaries(tmp_path)) == ["a, b", "c"]
