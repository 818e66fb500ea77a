# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosegment.core.images.working import WorkingImage
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.batch import pick_micrographs
from cryosegment.core.pipeline.decoys import FalseDiscoveries, make_decoy
from cryosegment.core.pipeline.micrograph import prepare
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.settings import pick_settings

PARAMS = PickParams(diameter=60.0, crf="none")


@pytest.fixture
def working(draw_truth: Callable, disc_model: Model) -> WorkingImage:
    return prepare(
        draw_truth("discs", (301, 220)).micrograph, pick_settings(PARAMS, disc_model.card)
    )


NONE = np.empty((0, 2))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_spectrum_stays_and_the_particles_go(working: WorkingImage) -> None:
    decoy = make_decoy(working, NONE, 20.0, generator())
    one, other = (np.abs(np.fft.fft2(item.image.numpy())) for item in (working, decoy))
    np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-2)
    assert decoy.image.std() == pytest.approx(float(working.image.std()), rel=1e-3)

    def skewness(image: torch.Tensor) -> float:
        centred = image - image.mean()
        return float((centred**3).mean() / (centred**2).mean() ** 1.5)

    assert skewness(working.image) < -1
    source = generator()
    decoys = [make_decoy(working, NONE, 20.0, source).image for _ in range(30)]
    assert abs(np.mean([skewness(image) for image in decoys])) < 0.1


def test_known_particles_are_no_part_of_the_noise(working: WorkingImage) -> None:
    """Of noise with bright discs, the decoy has the noise's power, all over."""
    noise = torch.randn(working.image.shape, generator=generator(1))
    centers = np.array([[40.0, 50.0], [120.0, 60.0], [60.0, 110.0], [150.0, 20.0]])
    pixels = np.stack(np.indices(tuple(noise.shape)), -1)
    image = noise.clone()
    for center in centers:
        image[torch.from_numpy(np.linalg.norm(pixels - center, axis=-1) < 10)] += 6
    spoilt = replace(working, image=image)
    assert make_decoy(spoilt, NONE, 20.0, generator()).image.std() > 1.3
    decoy = make_decoy(spoilt, centers, 20.0, generator()).image
    for part in (decoy, decoy[:100], decoy[100:]):
        assert part.std() == pytest.approx(1, abs=0.05)


def test_decoys_differ_and_are_repeated_by_their_seed(working: WorkingImage) -> None:
    source = generator()
    one, other = (make_decoy(working, NONE, 20.0, source).image for _ in range(2))
    assert not torch.allclose(one, other, atol=0.1)
    assert torch.equal(one, make_decoy(working, NONE, 20.0, generator()).image)


def test_a_dead_border_stays_empty(working: WorkingImage) -> None:
    valid = working.valid.clone()
    valid[:20] = False
    decoy = make_decoy(replace(working, valid=valid), NONE, 20.0, generator())
    assert not decoy.image[:20].any()
    assert decoy.image[20:].std() > 0.5


def test_rates() -> None:
    found = FalseDiscoveries(2, np.array([0.9, 0.8, 0.8, 0.3, 0.1]), np.array([0.8, 0.2, 0.1, 0.1]))
    assert found.counts(0.8) == (3, 1)
    assert found.rate(0.8) == pytest.approx(1 / 3)
    assert found.rate(0.85) == 0
    assert found.rate(0.95) == 0
    assert found.rate(0.0) == pytest.approx(0.8)
    assert FalseDiscoveries(1, np.array([0.5]), np.array([0.5, 0.6])).rate(0.5) == 1
    assert "1 picks on 2 micrographs" in found.describe(0.8)
    assert "33.3%" in found.describe(0.8)


@pytest.mark.slow
def test_a_run_with_decoys(draw_truth: Callable, disc_model: Model, tmp_path: Path) -> None:
    micrographs = [
        (name, draw_truth(name, (220, 160), seed=seed).write(tmp_path))
        for seed, name in enumerate(("one", "two", "three"))
    ]
    params, folder = replace(PARAMS, decoys=2), tmp_path / "picks"
    picked = pick_micrographs(micrographs, disc_model, params, folder, no_progress)
    assert picked.notes[-1].startswith("false discoveries: ")
    assert "on 2 micrographs" in picked.notes[-1]
    with (folder / "false_discovery.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 100
    assert rows[50]["threshold"] == "0.50"
    assert rows[50]["picks"] == "12"  # of the first and the last
    for row in rows:
        rate = min(int(row["decoys"]) / max(int(row["picks"]), 1), 1)
        assert float(row["rate"]) == pytest.approx(rate, abs=1e-4)
    before = (folder / "coordinates" / "one.star").stat().st_mtime_ns
    everything = replace(PARAMS, decoys=9, resume=True)
    notes = pick_micrographs(micrographs, disc_model, everything, folder, no_progress).notes
    assert "on 3 micrographs" in notes[-1]
    assert (folder / "coordinates" / "one.star").stat().st_mtime_ns == before
