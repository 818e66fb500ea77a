# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes are checked while the tests run; one thread; where the test data lie."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from jaxtyping import install_import_hook

import cryosegment.tests.typechecker  # noqa: F401  (the hook finds only what is imported)

torch.set_num_threads(1)
install_import_hook("cryosegment.core", "cryosegment.tests.typechecker.check")

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real micrographs, maps and coordinate files; tests without it are skipped."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("CRYOSEGMENT_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no test data in {folder}: set CRYOSEGMENT_DATA")
    return folder
