# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.spatial import cKDTree

from cryosegment.core.images.working import working_image
from cryosegment.core.quality.segmentation import model_segmenter, segment_by_threshold
from cryosegment.exchange.params import InputParams


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "threshold"])
def test_discs_are_found_at_their_place_in_the_micrograph(draw_truth, disc_model, kind):
    truth = draw_truth(shape=(500, 420))
    working = working_image(truth.micrograph, truth.diameter, InputParams(20.0), "dark")
    segment = model_segmenter(disc_model) if kind == "model" else segment_by_threshold
    found = segment(working, truth.diameter)
    assert len(found.centers_yx) == len(truth.centers_yx)
    distance, _ = cKDTree(found.centers_yx).query(truth.centers_yx)
    assert distance.max() < 2.5
    rows, columns = np.indices(found.particle.shape)
    points = np.stack((rows * working.scale_yx[0], columns * working.scale_yx[1]), -1)
    distance, _ = cKDTree(truth.centers_yx).query(points.reshape(-1, 2))
    disc = distance.reshape(rows.shape) <= truth.diameter / truth.micrograph.pixel_size / 2
    particle = found.particle.numpy()
    assert (particle & disc).sum() / (particle | disc).sum() > 0.8


def test_nothing_is_looked_for_at_the_border(draw_truth):
    truth = draw_truth(shape=(300, 300))
    shifted = truth.micrograph.image[20:, 20:].contiguous()
    micrograph = type(truth.micrograph)(shifted, 2.0, "m")
    working = working_image(micrograph, truth.diameter, InputParams(20.0), "dark")
    centers_yx = segment_by_threshold(working, truth.diameter).centers_yx
    assert len(centers_yx) > 0
    assert centers_yx.min() >= 0.5 * truth.diameter / 2.0 - 2.0
