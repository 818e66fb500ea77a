# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.segmentations import (
    SavedSegmentation,
    read_segmentation,
    write_segmentation,
)


def test_it_is_read_back(tmp_path):
    labels = np.arange(12, dtype=np.int32).reshape(3, 4)
    particle = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    for own in (None, particle):
        written = SavedSegmentation(labels, own, 8.5, (4.0, 4.1))
        write_segmentation(tmp_path / "a.npz", written)
        found = read_segmentation(tmp_path / "a.npz")
        np.testing.assert_array_equal(found.labels, labels)
        assert (found.pixel_size, found.scale_yx) == (8.5, (4.0, 4.1))
        if own is None:
            assert found.particle is None
        else:
            np.testing.assert_allclose(found.particle, own, atol=1e-3)


def test_what_is_none_is_said(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK damaged")
    for name in ("a.npz", "missing.npz"):
        with pytest.raises(InputError, match="masks"):
            read_segmentation(tmp_path / name)


@pytest.mark.parametrize("pixel_size", [0.0, np.nan, np.inf])
def test_a_scale_that_cannot_be(tmp_path, pixel_size):
    written = SavedSegmentation(np.zeros((3, 4), np.int32), None, pixel_size, (4.0, 4.0))
    write_segmentation(tmp_path / "a.npz", written)
    with pytest.raises(InputError, match="masks"):
        read_segmentation(tmp_path / "a.npz")
