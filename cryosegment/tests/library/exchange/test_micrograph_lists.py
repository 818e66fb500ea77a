# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.micrograph_lists import read_failures, read_list, write_failures


def test_failures_come_back_as_written(tmp_path):
    failures = {"b": 'a "quoted", comma', "a": "two\nlines: Å"}
    write_failures(tmp_path, failures)
    assert read_failures(tmp_path) == failures
    write_failures(tmp_path, {})
    assert os.listdir(tmp_path) == []
    assert read_failures(tmp_path) == {}


def test_a_foreign_failures_file_is_refused(tmp_path):
    (tmp_path / "failures.csv").write_text("x,y\n")
    with pytest.raises(InputError, match="micrograph, error"):
        read_failures(tmp_path)


def test_lists_with_titles_may_have_more_columns_in_any_order(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("micrograph,more,picks\na,x,1\nb,y,2\na,z,3\nshort,4\n")
    found = read_list(path, ("micrograph", "picks"))
    assert {name: row["picks"] for name, row in found.items()} == {"a": "3", "b": "2"}


def test_lists_without_titles_have_the_columns(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("micrograph,1\nb,2\n")
    assert read_list(path, ("micrograph", "picks"), is_titled=False) == {
        "micrograph": {"micrograph": "micrograph", "picks": "1"},
        "b": {"micrograph": "b", "picks": "2"},
    }
    assert read_list(tmp_path / "none.csv", ("micrograph",)) == {}
