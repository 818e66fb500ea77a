# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError

COLUMN = """# XMIPP_STAR_1 *
#
data_noname
loop_
 _micrograph
 _xcoor
 _ycoor
 Runs/a.mrc 10 20
 Runs/b.mrc 30 40
 Runs/a.mrc 50 60
"""
BLOCKS = """# XMIPP_STAR_1 *
#
data_a
loop_
 _enabled
 _xcoor
 _ycoor
 1 10 20
 -1 11 21
 1 50 60
data_b
loop_
 _enabled
 _xcoor
 _ycoor
 1 30 40
"""


@pytest.mark.parametrize("text", [COLUMN, BLOCKS])
def test_one_file_for_all_micrographs(tmp_path, text):
    """A column names them, or each has a block."""
    (tmp_path / "all.pos").write_text(text)
    found = read_coordinates(tmp_path / "all.pos", 1.0)
    assert {name: own.centers_yx.tolist() for name, own in found.items()} == {
        "a": [[20, 10], [60, 50]],
        "b": [[40, 30]],
    }


def test_a_file_without_particles(tmp_path):
    """Where nothing was picked there is a header alone; other files are none of Xmipp's."""
    (tmp_path / "a.pos").write_text("data_header\n _pickingMicrographState Available\n")
    assert len(read_coordinates(tmp_path / "a.pos", 1.0)["a"]) == 0
    (tmp_path / "b.pos").write_text("data_other\n _some thing\n")
    with pytest.raises(InputError, match="expected data_particles"):
        read_coordinates(tmp_path / "b.pos", 1.0)
