# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes are checked while the tests run; one thread; where the test data lie."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from jaxtyping import install_import_hook

import cryosegment.tests.typechecker  # noqa: F401  (the hook finds only what is imported)
from cryosegment.tests.machine import NO_DATA, data_folder

torch.set_num_threads(1)
install_import_hook("cryosegment.core", "cryosegment.tests.typechecker.check")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real micrographs, maps and coordinate files; tests without it are skipped."""
    if not data_folder().is_dir():
        pytest.skip(NO_DATA)
    return data_folder()
