# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.cells import MISSING, numbers
from cryosegment.exchange.errors import InputError


def test_missing_cells_are_nan():
    found = numbers("a.csv", "x", ["1.5", *MISSING, "-2e3", "inf"])
    np.testing.assert_array_equal(found, [1.5, *[np.nan] * len(MISSING), -2000, np.inf])
    assert numbers("a.csv", "x", []).shape == (0,)


def test_text_says_where_it_stands():
    with pytest.raises(InputError, match=r"column x of a\.csv, got 'left' in row 2"):
        numbers("a.csv", "x", ["1", "left"])
