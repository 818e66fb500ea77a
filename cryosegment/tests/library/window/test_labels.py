# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window shows of a labels folder."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.labels import (
    CONTAMINATION,
    REJECTED_NAME,
    REPORT_NAME,
    UNKNOWN,
    LabelEntry,
    LabelsIndex,
    write_labels_index,
)
from cryosegment.window.labels import OTHERS, PARTICLES, LabelsDisplay

SIZE, SHAPE = 2.0, (40, 50)
CENTERS = [[10.0, 12.0], [30.0, 35.0]]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Folder of one micrograph with two particles, contamination and unknown area."""
    instances, classes = np.zeros(SHAPE, np.int16), np.zeros(SHAPE, np.int8)
    instances[8:13, 10:15], instances[28:33, 33:38] = 1, 2
    classes[:4], classes[-4:] = CONTAMINATION, UNKNOWN
    files = {name: tmp_path / f"{name}.mrc" for name in ("micrograph", "instances", "classes")}
    images = np.zeros(SHAPE, np.float32), instances, classes
    for path, values in zip(files.values(), images):
        mrcfile.write(path, values)
    star = tmp_path / "m.star"
    write_coordinates(star, Coordinates(CENTERS, SIZE, "m"))
    entry = LabelEntry("m", **files, coordinates=star, pixel_size=SIZE, shape=SHAPE, diameter=16.0)
    write_labels_index(tmp_path, LabelsIndex((entry,), "coordinates"))
    return tmp_path


def test_particles_are_counted_and_tinted(labels: Path) -> None:
    content = LabelsDisplay(labels, mrcfile.read).content("labels")
    assert [column.title for column in content.columns] == ["Micrograph", "Particles"]
    assert content.cells("m") == ("m", 2)
    (dots,) = content.marks("m")
    np.testing.assert_allclose(dots.centers_yx, CENTERS)
    tints = content.tints("m")
    assert content.over == PARTICLES
    particles, others = tints[PARTICLES]().colors, tints[OTHERS]().colors
    np.testing.assert_array_equal(particles[..., 3] > 0, mrcfile.read(labels / "instances.mrc") > 0)
    assert particles[10, 12].tolist() != particles[30, 35].tolist()
    np.testing.assert_array_equal(others[..., 3] > 0, mrcfile.read(labels / "classes.mrc") != 0)


def test_rejections_are_marked_by_reason(labels: Path) -> None:
    titles = ("row", "micrograph", "x", "y", "reason", "detail")
    rows = [(3, "m", "20.00", "5.00", "outside", "by 3 px"), (4, "m", "nan", "nan", "unnamed", "")]
    rows.append((5, "m", "13.00", "11.00", "duplicate", "of row 1"))
    write_rows(labels / REJECTED_NAME, titles, rows)
    write_rows(labels / REPORT_NAME, ("micrograph", "labelled", "contrast"), [("m", 2, "0.75")])
    content = LabelsDisplay(labels, mrcfile.read).content("labels")
    assert content.cells("m") == ("m", 2, 3, 0.75)
    _, *crosses = content.marks("m")
    found = {each.name: each.centers_yx.tolist() for each in crosses}
    assert found == {"duplicate": [[11.0, 13.0]], "outside": [[5.0, 20.0]]}
    assert content.point("m", (5.5, 20.0)) == "outside by 3 px"
    assert content.point("m", (20.0, 40.0)) == ""


def test_large_label_maps_are_made_smaller(labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryosegment.window.labels.LARGEST_SIDE", 20)
    tint = LabelsDisplay(labels, mrcfile.read).content("labels").tints("m")[PARTICLES]()
    every_third = mrcfile.read(labels / "instances.mrc")[::3, ::3]
    np.testing.assert_array_equal(tint.colors[..., 3] > 0, every_third > 0)
