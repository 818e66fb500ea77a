# SPDX-License-Identifier: GPL-3.0-or-later
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.cli.picking_here import _loaded
from cryosegment.cli.serving import serve
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.job import ANSWER, Job


@pytest.fixture
def jobs(tmp_path: Path, tiny_model: Path) -> list[Path]:
    """Two that pick one micrograph each; the second is damaged."""
    image = np.random.default_rng(0).normal(size=(120, 160)).astype(np.float32)
    mrcfile.write(tmp_path / "a.mrc", image, voxel_size=2.0)
    (tmp_path / "b.mrc").write_bytes(b"damaged")
    params = {"diameter": 40.0, "model": str(tiny_model), "gpu": "cpu", "contaminated": "flag"}
    paths = []
    for name in ("a", "b"):
        output = tmp_path / f"picks_{name}"
        job = Job("pick", params, (str(tmp_path / f"{name}.mrc"),), str(output), (name,))
        job.write(tmp_path / f"{name}.json")
        paths.append(tmp_path / f"{name}.json")
    return paths


def test_jobs_come_one_after_the_other_and_are_answered(jobs: list[Path]) -> None:
    """Each answer comes before the next job is given, and a failure does not end it."""
    command = [sys.executable, "-m", "cryosegment", "serve", "--gpu", "cpu"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        answers = []
        for path in (*jobs, jobs[0]):
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            lines = iter(process.stdout.readline, "")
            answers.append(next(line.strip() for line in lines if line.startswith(ANSWER)))
        process.stdin.close()
        assert process.wait() == 0
        assert "b.mrc" in process.stderr.read()
    assert answers == [f"{ANSWER}{status}" for status in (0, 1, 0)]
    assert len(read_coordinates(jobs[0].with_name("picks_a") / "candidates", 2.0)["a"]) > 0


def test_the_model_is_loaded_once_unless_its_file_changes(
    jobs: list[Path], tiny_model: Path
) -> None:
    _loaded.cache_clear()
    serve([f"{jobs[0]}\n"] * 3, main, [])
    assert (_loaded.cache_info().misses, _loaded.cache_info().hits) == (1, 2)
    tiny_model.write_bytes(tiny_model.read_bytes())
    serve([f"{jobs[0]}\n"], main, [])
    assert _loaded.cache_info().misses == 2
