# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError


@pytest.mark.parametrize(
    ("row", "score", "diameter"),
    [
        ("10\t20\t40\t60", np.nan, np.nan),
        ("10\t20\t40\t60\t0.75", 0.75, np.nan),
        ("10\t20\t40\t60\t30\t32", np.nan, 60),
        ("10\t20\t40\t60\t0.75\t30\t32", 0.75, 60),
    ],
)
def test_first_versions_wrote_tables_of_numbers(tmp_path, row, score, diameter):
    """Corner, width, height; then confidence, and estimated sizes in px (of 2 Å)."""
    (tmp_path / "m.cbox").write_text(f"{row}\n{row}\n")
    found = read_coordinates(tmp_path / "m.cbox", 2.0)["m"]
    assert found.centers_yx.tolist() == [[50, 30]] * 2
    np.testing.assert_array_equal(found.scores, [score] * 2)
    np.testing.assert_array_equal(found.diameters, [diameter] * 2)


def test_boxes_of_tomograms_are_refused(tmp_path):
    columns = ["CoordinateX", "CoordinateY", "CoordinateZ", "Width", "Height"]
    labels = "".join(f"_{name} #{i}\n" for i, name in enumerate(columns, start=1))
    (tmp_path / "m.cbox").write_text(f"data_cryolo\n\nloop_\n{labels}1 2 3 4 5\n")
    with pytest.raises(InputError, match="tomogram"):
        read_coordinates(tmp_path / "m.cbox", 1.0)
