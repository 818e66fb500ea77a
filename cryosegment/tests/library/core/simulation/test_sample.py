# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import pytest
import torch
from scipy.stats import chisquare

from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.core.simulation.sample import Sample, check_fit, read_sample
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import SimulateParams

PARAMS = SimulateParams(size=(200, 200), pixel_size=10.0)


def test_a_molecule_alone_is_a_sample_of_one():
    sample = read_sample(PARAMS)
    assert [molecule.name for molecule in sample.molecules] == ["builtin"]
    assert sample.fragments == ()
    assert sample.diameter == sample.molecules[0].diameter
    assert sample.area == pytest.approx(0.785398 * sample.diameter**2)


def test_species_come_in_their_ratios():
    molecule = read_molecule("builtin", 10.0)
    sample = Sample((molecule, molecule, molecule), (1.0, 2.0, 5.0))
    drawn = sample.draw_species(4000, torch.Generator().manual_seed(3))
    counts = torch.bincount(drawn, minlength=3).numpy()
    assert chisquare(counts, [500, 1000, 2500]).pvalue > 0.001
    assert torch.bincount(Sample((molecule,) * 2).draw_species(2000, torch.Generator()))[0] > 900


def test_junk_breaks_every_species_alike():
    params = dataclasses.replace(PARAMS, molecule=("builtin",) * 2, ratios=(3.0, 1.0), junk=0.5)
    sample = read_sample(params)
    assert len(sample.fragments) == 8
    assert len(sample.bodies) == 10
    assert len({fragment.diameter for fragment in sample.fragments}) > 4
    drawn = sample.draw_fragments(1000, torch.Generator().manual_seed(1))
    assert int(drawn.min()) >= 2
    assert int(drawn.max()) == 9
    of_the_first = float((drawn < 6).float().mean())
    assert of_the_first == pytest.approx(0.75, abs=0.05)


def test_the_seed_chooses_the_fragments():
    params = dataclasses.replace(PARAMS, junk=0.5, seed=1)
    first, again = (read_sample(params).fragments[0] for _ in range(2))
    other = read_sample(dataclasses.replace(params, seed=2)).fragments[0]
    assert torch.equal(first.density, again.density)
    assert first.density.shape != other.density.shape or not torch.equal(
        first.density, other.density
    )


def test_without_fragments_none_are_drawn():
    sample = read_sample(PARAMS)
    assert len(sample.draw_fragments(5, torch.Generator())) == 0
    assert len(sample.draw_species(0, torch.Generator())) == 0


def test_a_species_that_does_not_fit_is_named():
    sample = Sample((read_molecule("builtin", 5.0), read_molecule("builtin", 10.0)))
    with pytest.raises(InputError, match=r"builtin at 5\.0 Å/px, found 10"):
        check_fit(sample, dataclasses.replace(PARAMS, pixel_size=5.0))
    with pytest.raises(InputError, match="larger size"):
        check_fit(
            Sample((read_molecule("builtin", 2.0),)),
            dataclasses.replace(PARAMS, pixel_size=2.0, size=(80, 400)),
        )
