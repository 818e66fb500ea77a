# SPDX-License-Identifier: GPL-3.0-or-later
"""Contamination maps of other programs."""

import cv2
import numpy as np
import pytest

from cryosegment.core.images.contamination_maps import ContaminationMaps
from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.exchange.errors import InputError

SHAPE = (60, 90)


def write(path, values):
    """A picture as PNG, numbers as MRC."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".png":
        cv2.imwrite(str(path), values.astype(np.uint8))
    else:
        write_image(path, values.astype(np.float32), 2.0)
    return path


def upper_half(shape):
    return (np.arange(shape[0]) < shape[0] // 2)[:, None] * np.ones(shape)


@pytest.mark.parametrize("name", ["mic.png", "mic.mrc", "mic_micrographcleaner_mask.png"])
@pytest.mark.parametrize("white", [1, 255])
@pytest.mark.parametrize("shape", [SHAPE, (20, 30), (23, 34), (120, 180)])
def test_maps_of_any_scale(tmp_path, name, white, shape):
    write(tmp_path / "maps" / name, upper_half(shape) * white)
    found = ContaminationMaps(tmp_path / "maps", ["mic"]).area("mic", SHAPE)
    assert found.shape == SHAPE
    height = SHAPE[0] / shape[0] + 1  # of a pixel of the map
    assert found[: int(30 - height)].all()
    assert not found[int(30 + height) :].any()


def test_probabilities_count_from_a_half(tmp_path):
    values = np.tile(np.array([0.0, 0.4, 0.6]), (60, 30))
    path = write(tmp_path / "any.mrc", values)
    found = ContaminationMaps(path, ["mic"]).area("mic", SHAPE)  # one map for one micrograph
    np.testing.assert_array_equal(found, values > 0.5)
    write(path, values / 2)
    assert not ContaminationMaps(path, ["mic"]).area("mic", SHAPE).any()


def test_a_mask_of_micrograph_cleaner(shared_data):
    """Its mask of a micrograph with a large contaminant in a corner."""
    folder = shared_data / "contamination"
    name = "Ucsf_stack_1142_DW"
    mask = folder / f"{name}_micrographcleaner_mask.png"
    found = ContaminationMaps(mask, [name, "other"]).area(name, (1854, 1918))
    expected = read_image(mask)[0] > 127
    assert 0.05 < expected.mean() < 0.95
    assert (found[::2, ::2] == expected).mean() > 0.99


def test_micrographs_without_a_map_are_told(tmp_path):
    write(tmp_path / "maps" / "mic.mrc", np.zeros(SHAPE))
    maps = ContaminationMaps(tmp_path / "maps", ["other", "mic"])
    assert maps.note.startswith("1 of 2 micrographs have no contamination map, such as other")
    assert not maps.area("mic", SHAPE).any()
    maps = ContaminationMaps(tmp_path / "maps", ["mic"])
    assert maps.note == ""


def area_of(folder):
    maps = ContaminationMaps(folder, ["mic"])
    maps.check()
    return maps.area("mic", SHAPE)


@pytest.mark.parametrize(
    ("files", "shape", "message"),
    [
        (["other.mrc"], SHAPE, "named after a micrograph such as mic"),
        (["mic.mrc", "mic_mask.mrc"], SHAPE, "two contamination maps of micrograph mic"),
        (["mic.mrc"], (60, 60), "another aspect ratio"),
    ],
)
def test_maps_that_do_not_fit(tmp_path, files, shape, message):
    for name in files:
        write(tmp_path / "maps" / name, np.zeros(shape))
    with pytest.raises(InputError, match=message):
        area_of(tmp_path / "maps")
    with pytest.raises(InputError, match="do not exist"):
        ContaminationMaps(tmp_path / "nowhere", ["mic"])


def test_the_shape_of_a_micrograph_from_the_pixel_size_of_its_map(tmp_path):
    write(tmp_path / "maps" / "mic.mrc", upper_half((20, 30)))  # of 2 Å/px
    write(tmp_path / "maps" / "other.png", upper_half((20, 30)))
    maps = ContaminationMaps(tmp_path / "maps", ["mic", "other", "third"])
    assert maps.shape("mic", 0.5) == (80, 120)
    assert maps.shape("third", 0.5) is None
    with pytest.raises(
        InputError, match=r"other\.png has no pixel size: give the height and width"
    ):
        maps.shape("other", 0.5)
