# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written is what starfile reads; its versions for Python 3.8 are none to ask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import starfile
from hypothesis import given
from hypothesis import strategies as st

from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.tests.damage import EXAMPLES

PLACES = st.floats(-1e5, 1e5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round")


@EXAMPLES
@given(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=6))
def test_picks(folder: Path, centers_yx: list[tuple[float, float]]) -> None:
    write_coordinates(folder / "own.star", Coordinates(centers_yx, 1.3, "mic"))
    (table,) = starfile.read(folder / "own.star", always_dict=True).values()
    found = table[["rlnCoordinateY", "rlnCoordinateX"]].to_numpy(np.float64)
    np.testing.assert_allclose(found, centers_yx, rtol=0, atol=1e-6)
