# SPDX-License-Identifier: GPL-3.0-or-later
"""Real micrographs of beta-galactosidase, expert picks, and poses by projection matching."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.volume import read_volume
from cryosegment.core.labels.body import body_from_map
from cryosegment.core.labels.footprints import Footprints
from cryosegment.core.labels.reconstruction import Labeller, LabelRules
from cryosegment.core.optics.projection import rotation_matrices
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.particles import read_particles, split_by_micrograph

PIXEL_SIZE = 1.77
SHAPE = (4096, 4096)
DIAMETER_PX = 108


@pytest.fixture(scope="module")
def body(shared_data):
    volume, voxel_size = read_volume(shared_data / "maps" / "densities" / "betaGal.mrc.gz")
    return body_from_map(volume, voxel_size)


@pytest.fixture(scope="module")
def particles(shared_data):
    """Particles of each micrograph; the file counts y from the last row."""
    folder = shared_data / "empiar10017"
    names = [path.stem for path in sorted((folder / "micrographs").iterdir())]
    own, elsewhere = split_by_micrograph(
        read_particles(folder / "poses_relion31.star").flipped(SHAPE[0]), names
    )
    assert not len(elsewhere)
    assert len(own) == 14
    return own


def test_the_body_is_that_of_beta_galactosidase(body):
    volume = body.support.sum() * body.voxel_size**3
    assert body.diameter == pytest.approx(191, abs=4)
    assert 1.5 < volume / 465_000 < 1.9  # Å3 per Da
    np.testing.assert_allclose(body.center_xyz, 0, atol=1)


def test_labelled_centres_are_where_the_expert_picked(shared_data, body, particles):
    """The poses move 5.7 % of the picks farther than that; the worst scores are doubtful."""
    labeller = Labeller(body, LabelRules(min_score=0.69))
    near, count, total = 0, 0, 0
    for name, own in particles.items():
        found = labeller.screen(SHAPE, PIXEL_SIZE, own).labelled
        path = shared_data / "empiar10017" / "coordinates" / f"{name}.star"
        picks = next(iter(read_coordinates(path, PIXEL_SIZE).values())).centers_yx
        distance, _ = cKDTree(picks).query(found.refined_centers_yx(PIXEL_SIZE))
        near += (distance <= 0.1 * DIAMETER_PX).sum()
        count += len(found)
        total += len(own)
    assert near / count >= 0.95
    assert count / total >= 0.9


@pytest.mark.slow
def test_footprints_lie_on_the_particles_in_their_orientation(shared_data, body, particles):
    """Particles are dark; other conventions of angle, shift and mirror fit worse."""
    name, own = next(iter(particles.items()))
    path = shared_data / "empiar10017" / "micrographs" / f"{name}.jpg"
    image = read_micrograph(path, PIXEL_SIZE).image.numpy()
    drawer = Footprints(body, PIXEL_SIZE)

    def agreement(centers_yx, angles):
        rotations = rotation_matrices(torch.from_numpy(angles))
        values = []
        for center, mask in zip(centers_yx, drawer.draw(rotations, centers_yx % 1), strict=True):
            top, left = np.floor(center).astype(int) - drawer.size // 2
            patch = image[max(top, 0) : top + drawer.size, max(left, 0) : left + drawer.size]
            if top >= 0 and left >= 0 and patch.shape == mask.shape:
                values.append(-np.corrcoef(mask.ravel(), patch.ravel())[0, 1])
        return np.mean(values)

    right = agreement(own.refined_centers_yx(PIXEL_SIZE), own.angles)
    assert right > 0.5
    others = {
        "no shift": (own.centers_yx, own.angles),
        "shift of the other sign": (own.centers_yx + own.shifts_yx / PIXEL_SIZE, own.angles),
        "mirrored": (own.refined_centers_yx(PIXEL_SIZE), own.flipped(SHAPE[0]).angles),
        "psi of the other sign": (own.refined_centers_yx(PIXEL_SIZE), own.angles * [1, 1, -1]),
    }
    for centers_yx, angles in others.values():
        assert agreement(centers_yx, angles) < right - 0.03
