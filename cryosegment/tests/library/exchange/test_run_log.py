# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.run_log import last_run


def test_the_last_line_says_how_the_last_run_has_ended(tmp_path):
    log = tmp_path / "runs.jsonl"
    log.write_text('{"status": 0, "error": ""}\n{"status": 1, "error": "no map", "made": ""}\n')
    assert last_run(log) == (1, "no map")


def test_a_log_without_a_run(tmp_path):
    log = tmp_path / "runs.jsonl"
    log.write_text("")
    assert last_run(log) is None
    with pytest.raises(InputError, match=r"missing\.jsonl"):
        last_run(tmp_path / "missing.jsonl")


@pytest.mark.parametrize("line", ['{"status": 0, "err', '{"status": 0}', "[1]", "killed"])
def test_a_last_line_that_says_something_else(tmp_path, line):
    log = tmp_path / "runs.jsonl"
    log.write_text('{"status": 0, "error": ""}\n' + line)
    with pytest.raises(InputError, match="expected how the run has ended"):
        last_run(log)
