# SPDX-License-Identifier: GPL-3.0-or-later
import re

import pytest

from cryosegment.cli.batches import report_failures, run_each
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.micrograph_lists import read_failures


def test_one_that_fails_does_not_stop_the_others():
    seen, reports = [], []

    def process(i):
        seen.append(i)
        if i == 1:
            raise InputError("bad")

    failures = run_each(["a", "b", "c"], process, lambda *report: reports.append(report))
    assert failures == {"b": "bad"}
    assert seen == [0, 1, 2]
    assert reports == [(1, 3, "a"), (2, 3, "b"), (3, 3, "c")]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "micrograph a needs more memory than this machine has"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "needs more memory"),
        (RecursionError(), "micrograph a is nested too deeply"),
        (OSError(5, "Input/output error", "x.mrc"), r"\(Input/output error x\.mrc\)"),
        (EOFError("no more"), r"\(no more\)"),
    ],
)
def test_what_memory_and_disks_raise_is_a_failure(error, message):
    def process(i):
        raise error

    failures = run_each(["a"], process, lambda *report: None)
    assert re.search(message, failures["a"])


def test_a_bug_is_not_taken_for_a_failure():
    with pytest.raises(ZeroDivisionError):
        run_each(["a"], lambda i: 1 / i, lambda *report: None)
    with pytest.raises(RuntimeError, match="shapes"):
        run_each(["a"], lambda i: _raise(RuntimeError("shapes")), lambda *report: None)


def _raise(error):
    raise error


def test_some_failures_are_listed_and_warned_of(tmp_path, capsys):
    assert report_failures(tmp_path, {"b": "bad"}, 3) == 1
    assert read_failures(tmp_path) == {"b": "bad"}
    assert "1 of 3 micrographs failed" in capsys.readouterr().err


def test_when_all_fail_it_is_an_error(tmp_path):
    with pytest.raises(InputError, match="all 2 micrographs failed: bad"):
        report_failures(tmp_path, {"a": "bad", "b": "worse"}, 2)
    assert len(read_failures(tmp_path)) == 2


def test_a_clean_run_removes_the_list_of_an_earlier_one(tmp_path):
    report_failures(tmp_path, {"b": "bad"}, 3)
    assert report_failures(tmp_path, {}, 3) == 0
    assert list(tmp_path.iterdir()) == []
