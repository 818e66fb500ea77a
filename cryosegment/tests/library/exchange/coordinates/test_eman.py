# SPDX-License-Identifier: GPL-3.0-or-later
import json

import numpy as np
import pytest

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError


def test_boxes_of_filament_segments_hold_centers(tmp_path):
    (tmp_path / "m.box").write_text(
        "#micrograph: m.mrc\n#segment length: 24\n#segment width: 24\n"
        "#helix: (1, 2),(3, 4),24\n1.5\t2\n3\t4\n#helix: (5, 6),(5, 6),24\n5\t6\n"
    )
    found = read_coordinates(tmp_path / "m.box", 1.0)["m"]
    assert found.centers_yx.tolist() == [[2, 1.5], [4, 3], [6, 5]]


def test_ends_of_filaments_are_no_particles(tmp_path):
    (tmp_path / "m.box").write_text("10 20 24 24 -1\n110 120 24 24 -2\n")
    with pytest.raises(InputError, match="ends of filaments"):
        read_coordinates(tmp_path / "m.box", 1.0)


def test_boxes_along_filaments_are_boxes(tmp_path):
    """With the number of the filament, or a word, behind them."""
    (tmp_path / "m.box").write_text("10 20 24 12 0\n110 120 24 12 1\n")
    (tmp_path / "n.box").write_text("10 20 24 12 good\n110 120 24 12\n")
    for name in "mn":
        found = read_coordinates(tmp_path / f"{name}.box", 1.0)[name]
        assert found.centers_yx.tolist() == [[26, 22], [126, 122]]


def test_info_files_hold_centers(tmp_path):
    boxes = [[10, 20, "manual"], [30.5, 40, "auto_convnet", 0.75]]
    path = tmp_path / "m_info.json"
    path.write_text(json.dumps({"boxes": boxes, "quality": 5}))
    found = read_coordinates(path, 1.0)["m"]
    assert found.centers_yx.tolist() == [[20, 10], [40, 30.5]]
    np.testing.assert_array_equal(found.scores, [np.nan, 0.75])


def test_an_info_file_without_boxes_has_no_particles(tmp_path):
    """EMAN2 keeps the quality of every micrograph that was looked at; job.json is no such file."""
    (tmp_path / "m_info.json").write_text('{"quality": 5}')
    (tmp_path / "job.json").write_text('{"command": "pick"}')
    assert {name: len(own) for name, own in read_coordinates(tmp_path, 1.0).items()} == {"m": 0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "list of boxes"),
        ('{"boxes": 5}', "list of boxes"),
        ('{"boxes": [[1]]}', "x and y in box 1"),
        ('{"boxes": [[1, 2, "manual"], [true, 2]]}', "x and y in box 2"),
        ('{"boxes": [[1, 2, 3, "manual", 0.5, 0]]}', "tomogram"),
        ('{"boxes": ', "JSON"),
    ],
)
def test_other_json_is_refused(tmp_path, content, message):
    (tmp_path / "m_info.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read_coordinates(tmp_path / "m_info.json", 1.0)
