# SPDX-License-Identifier: GPL-3.0-or-later
"""The model that ships with the package finds particles."""

import numpy as np
import pytest
import torch

from cryosegment.core.evaluation.matching import match
from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.core.simulation.micrograph import simulate_micrograph
from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.exchange.model_files import GENERAL, model_path
from cryosegment.exchange.params import PickParams, SimulateParams


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(GENERAL)


def test_particles_of_a_simulated_micrograph(model: Model) -> None:
    params = SimulateParams(
        size=(1024, 768), pixel_size=4.0, snr=0.3, defocus_min=15_000.0, min_distance=1.2
    )
    molecule = read_molecule("builtin", params.pixel_size)
    truth = simulate_micrograph(params, molecule, torch.Generator().manual_seed(0))
    micrograph = Micrograph(truth.image, params.pixel_size, "simulated")
    picks = pick_micrograph(micrograph, model, PickParams(diameter=truth.diameter)).chosen
    inner = truth.centers_yx.numpy()
    tolerance = 0.25 * truth.diameter / params.pixel_size
    found = len(match(picks.centers_yx, inner.astype(float), tolerance))
    assert 2 * found / (len(picks) + len(inner)) > 0.9
    assert len(inner) > 50
    assert np.isfinite(picks.scores).all()


def test_what_its_card_says(model: Model) -> None:
    card = model.card
    assert card.name == GENERAL
    assert 0 < card.use.threshold < 1
    assert card.provenance.license
    assert card.provenance.metrics
    assert card.provenance.training_data[0]["held_out"]


def test_its_size() -> None:
    assert model_path(GENERAL).stat().st_size < 20e6
