# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.tests.mrc_files import SHAPE


@pytest.fixture
def values() -> np.ndarray:
    """Grey levels of an image, which fit into a byte."""
    return np.random.default_rng(8).integers(-100, 100, SHAPE)
