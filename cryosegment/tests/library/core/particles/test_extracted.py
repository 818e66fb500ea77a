# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch

from cryosegment.core.particles.classes import BACKGROUND, EDGE, SIGNAL
from cryosegment.core.particles.extracted import (
    Boxes,
    extract,
    picks_of,
    usual_batches,
)
from cryosegment.core.simulation.micrograph import SimulatedMicrograph, simulate_micrograph
from cryosegment.core.simulation.molecule import Molecule, read_molecule
from cryosegment.exchange.params import InputParams, SimulateParams

PIXEL_SIZE = 6.0


@pytest.fixture(scope="module")
def molecule() -> Molecule:
    return read_molecule("builtin", PIXEL_SIZE)


@pytest.fixture(scope="module")
def found(molecule: Molecule) -> SimulatedMicrograph:
    params = SimulateParams(size=(320, 400), pixel_size=PIXEL_SIZE, coverage=0.2)
    return simulate_micrograph(params, molecule, torch.Generator().manual_seed(1))


def test_picks_are_off_by_a_twentieth_of_the_diameter(found: SimulatedMicrograph) -> None:
    picks = picks_of(found, np.random.default_rng(0))
    centers = np.random.default_rng(0).permutation(found.centers_yx.numpy())
    off = (picks - centers) * found.pixel_size / found.diameter
    assert off.std() == pytest.approx(0.05, rel=0.3)


def test_boxes_are_windows_of_the_micrograph(found: SimulatedMicrograph) -> None:
    """Particles bright; boxes that cross its border are left out."""
    half = round(0.75 * found.diameter / found.pixel_size)
    places = np.array(
        [[half, half], [half - 1.0, half], [320 - half, 400 - half], [321 - half, 90]]
    )
    boxes = extract(found, places)
    assert boxes.images.shape == (2, 2 * half, 2 * half)
    torch.testing.assert_close(boxes.images[0], -found.image[: 2 * half, : 2 * half])
    torch.testing.assert_close(boxes.instances[1], found.instances[-2 * half :, -2 * half :])
    assert extract(found, places[1:2]).images.shape == (0, 2 * half, 2 * half)


def test_classes_at_another_scale() -> None:
    """A square of 12 px in 24 px is one of 6 px in 12, with an edge of one pixel."""
    instances = torch.zeros(1, 24, 24, dtype=torch.int16)
    instances[:, 6:18, 6:18] = 5
    classes = Boxes(torch.zeros(1, 24, 24), instances, 2.0, 24.0).classes((12, 12))
    expected = torch.full((12, 12), BACKGROUND)
    expected[2:10, 2:10] = EDGE
    expected[3:9, 3:9] = SIGNAL
    assert classes[0].tolist() == expected.tolist()


def test_a_network_receives_particles_in_the_middle(molecule: Molecule) -> None:
    """Dark, as it is used to, with the classes that belong to them."""
    images, classes = next(usual_batches([molecule], InputParams(24.0), 0))
    assert images.shape[2:] == classes.shape[1:] == (36, 36)
    inside = classes == SIGNAL
    assert inside[:, 16:20, 16:20].float().mean() > 0.9
    assert images[:, 0][inside].mean() < images[:, 0][classes == BACKGROUND].mean() - 0.1
