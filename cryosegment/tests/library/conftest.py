# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes are checked while the tests run; one thread; where the test data lie; RELION."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import mrcfile
import numpy as np
import pytest

from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.star import write_star
from cryosegment.tests.machine import NO_DATA, NO_RELION, data_folder

if find_spec("torch") is not None:  # the tests of exchange run in Scipion's environment, too
    import torch
    from jaxtyping import install_import_hook

    import cryosegment.tests.typechecker  # noqa: F401  (the hook finds only what is imported)

    torch.set_num_threads(1)
    install_import_hook("cryosegment.core", "cryosegment.tests.typechecker.check")


def pytest_exception_interact(
    call: pytest.CallInfo[object], report: pytest.TestReport | pytest.CollectReport
) -> None:
    """What a command that failed has said is in the report of its test."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, subprocess.CalledProcessError) and error.stderr:
        text = error.stderr if isinstance(error.stderr, str) else error.stderr.decode()
        report.sections.append(("stderr of the command", text))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real micrographs, maps and coordinate files; tests without it are skipped."""
    if not data_folder().is_dir():
        pytest.skip(NO_DATA)
    return data_folder()


OPTICS = {
    "rlnOpticsGroupName": ["group"],
    "rlnOpticsGroup": [1],
    "rlnMicrographPixelSize": [1.0],
    "rlnVoltage": [300.0],
    "rlnSphericalAberration": [2.7],
    "rlnAmplitudeContrast": [0.1],
}


@pytest.fixture
def relion_extract() -> Callable[[Path, Coordinates], np.ndarray]:
    """Boxes of 16 px that RELION cuts out of a micrograph of 1 Å/px, and `out.star` beside it."""
    if which("relion_preprocess") is None:
        pytest.skip(NO_RELION)

    def extract(micrograph: Path, picks: Coordinates) -> np.ndarray:
        folder = micrograph.parent
        write_coordinates(folder / f"{micrograph.stem}_picks.star", picks)
        table = {"rlnMicrographName": [micrograph.name], "rlnOpticsGroup": [1]}
        write_star(folder / "mics.star", {"optics": OPTICS, "micrographs": table})
        options = "--i mics.star --coord_dir ./ --coord_suffix _picks.star --part_star out.star"
        options += " --part_dir ./parts/ --extract --extract_size 16"
        command = ["relion_preprocess", *options.split()]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return mrcfile.read(folder / "parts" / f"{micrograph.stem}.mrcs")

    return extract
