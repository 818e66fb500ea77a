# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import torch
from skimage.measure import label, regionprops

from cryosegment.core.particles.classes import BACKGROUND, EDGE, SIGNAL, class_map
from cryosegment.core.particles.model import ParticleMaps
from cryosegment.core.particles.scores import edge_to_signal, score_particles


def maps_of(classes: np.ndarray, sure: float = 1.0) -> ParticleMaps:
    """Maps at 2 Å/px that have these classes, with a probability."""
    hot = np.eye(3, dtype=np.float32)[classes]
    even = (1 - sure) / 2
    probability = even + (sure - even) * hot
    return ParticleMaps(torch.from_numpy(probability).permute(0, 3, 1, 2), None, 2.0)


def classes_of(footprint: np.ndarray) -> np.ndarray:
    return class_map(torch.from_numpy(label(footprint).astype(np.int32))[None]).numpy()


def ellipse(y: float, x: float, a: float, b: float) -> np.ndarray:
    rows, columns = np.mgrid[:64, :64]
    return ((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1


def test_ets_is_the_ratio_of_the_areas() -> None:
    random = np.random.default_rng(3)
    classes = random.integers(0, 3, (5, 20, 30))
    classes[3][classes[3] == SIGNAL] = BACKGROUND
    classes[4][classes[4] == EDGE] = BACKGROUND
    found = edge_to_signal(torch.from_numpy(classes)).tolist()
    for image, ets in zip(classes, found, strict=True):
        number = {kind: sum(row.count(kind) for row in image.tolist()) for kind in range(3)}
        missing = number[SIGNAL] == 0 or number[EDGE] == 0
        assert ets == (0 if missing else number[EDGE] / number[SIGNAL])
    assert found[3] == found[4] == 0


def test_a_particle_and_a_neighbour() -> None:
    classes = classes_of(ellipse(28, 36, 15, 10) | ellipse(10, 10, 8, 8))
    signal = classes[0] == SIGNAL
    found = score_particles(maps_of(classes), 80.0)
    particle = next(r for r in regionprops(label(signal)) if r.label == label(signal)[28, 36])
    away = np.hypot(*(np.array(particle.centroid) - 32))
    assert found.centring[0] == pytest.approx(2 * away)
    assert found.centring[0] == pytest.approx(2 * np.hypot(4, 4), abs=0.2)
    assert found.signal_fraction[0] == pytest.approx(signal.mean())
    assert found.compactness[0] == pytest.approx(particle.solidity, abs=0.02)
    assert found.neighbours[0] == 1
    assert found.ets[0] == pytest.approx((classes == EDGE).sum() / signal.sum())
    assert score_particles(maps_of(classes), 800.0).neighbours[0] == 0  # a speck beside this


def test_a_notch_makes_a_particle_less_compact() -> None:
    whole, bitten = ellipse(32, 32, 18, 18), ellipse(32, 32, 18, 18) & ~ellipse(32, 54, 16, 16)
    compactness = [
        score_particles(maps_of(classes_of(body)), 80.0).compactness[0] for body in (whole, bitten)
    ]
    assert compactness[0] > 0.95
    assert compactness[1] < 0.9


def test_nothing_is_there() -> None:
    found = score_particles(maps_of(np.full((1, 64, 64), BACKGROUND)), 80.0)
    assert (found.ets[0], found.signal_fraction[0], found.compactness[0]) == (0, 0, 0)
    assert (found.margin[0], found.neighbours[0]) == (0, 0)
    assert found.centring[0] == pytest.approx(2 * np.hypot(32, 32))


def test_the_margin_is_the_lead_of_the_class() -> None:
    classes = classes_of(ellipse(32, 32, 18, 18))
    assert score_particles(maps_of(classes, 0.7), 80.0).margin[0] == pytest.approx(0.55)
