# SPDX-License-Identifier: GPL-3.0-or-later
import math

import pytest

from cryosegment.core.report.table import (
    FILTERED_ROWS,
    Bar,
    Column,
    Estimate,
    Place,
    Table,
    shown,
    sort_value,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("cell", "form", "expected"),
    [
        (0.12345, ".3f", "0.123"),
        (12, "d", "12"),
        (1234567, ",", "1,234,567"),
        ("–1.5", ".3f", "–1.5"),
        (7, "", "7"),
        (NAN, ".3f", "–"),
        (None, "d", "–"),
    ],
)
def test_cells_as_they_are_read(cell, form, expected):
    assert shown(cell, form) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (0.123456789, 0.123456789),
        (-3, -3.0),
        (Estimate(0.5, 0.1, 0.9), 0.5),
        (Bar((1, 3)), 0.25),
        (math.inf, math.inf),
    ],
)
def test_numbers_are_sorted_by(cell, expected):
    assert float(sort_value(cell)) == expected


@pytest.mark.parametrize("cell", [None, NAN, Estimate(NAN, 0, 1), Bar((0, 0))])
def test_what_has_no_value_has_nothing_to_sort_by(cell):
    assert sort_value(cell) == ""


def test_text_is_sorted_by_itself():
    assert sort_value("b 2") == "b 2"
    assert sort_value(Place("micrograph", (1, 2))) == "micrograph"


def test_bars_are_as_long_as_the_longest_allows():
    columns = [Column("name"), Column("bar", bars=(("a", "red"), ("b", "blue")))]
    table = Table(columns, [["x", Bar((1, 2))], ["y", Bar((4, 3))], ["z", Bar((0, 0))]])
    assert table.longest_bar == 7
    assert Table(columns, [["x", Bar((0, 0))]]).longest_bar == 1
    assert Table(columns, []).longest_bar == 1


def test_long_tables_have_a_filter():
    columns = [Column("name")]
    assert not Table(columns, [["x"]] * (FILTERED_ROWS - 1)).has_filter
    assert Table(columns, [["x"]] * FILTERED_ROWS).has_filter
