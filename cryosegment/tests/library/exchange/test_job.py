# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import Job, read_job

JOB = Job(
    "pick", {"diameter": 100.0, "formats": ["box"]}, ("a b.mrc", "50%.mrc"), "out", ("1", "2")
)


def test_a_job_comes_back_as_written(tmp_path):
    JOB.write(tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == JOB


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "expected job version 1, got 99"),
        ({"version": None}, "expected job version 1, got None"),
        ({"extra": 1}, "extra is unknown"),
        ({"command": 3}, "command to be of type str, got 3"),
        ({"inputs": "a.mrc"}, "expected a list of values of inputs"),
        ({"inputs": [1], "names": []}, "inputs to be of type str, got 1"),
        ({"names": ["1"]}, "a name for each input"),
        ({"inputs": ["a\0.mrc"], "names": []}, "holds a NUL character"),
        ({"output": "a\0"}, "holds a NUL character"),
        ({"params": {"formats": ["a\0"]}}, "holds a NUL character"),
        ({"names": ["1", "../../x"]}, r"name of a micrograph, got '\.\./\.\./x'"),
    ],
)
def test_a_stale_or_broken_job_says_why(tmp_path, change, message):
    path = tmp_path / "job.json"
    JOB.write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        read_job(path)


@pytest.mark.parametrize("field", ["version", "command", "params", "inputs", "output"])
def test_a_missing_field_is_named(tmp_path, field):
    path = tmp_path / "job.json"
    JOB.write(path)
    values = json.loads(path.read_text())
    del values[field]
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=field):
        read_job(path)


@pytest.mark.parametrize("text", ["[]", "3"])
def test_a_file_that_is_no_job(tmp_path, text):
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(InputError, match="expected a job"):
        read_job(tmp_path / "job.json")
