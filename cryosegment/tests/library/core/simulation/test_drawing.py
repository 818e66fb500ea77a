# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from cryosegment.core.simulation.aggregates import draw_aggregates
from cryosegment.core.simulation.drawing import Canvas, draw_particles
from cryosegment.core.simulation.molecule import Molecule, read_molecule
from cryosegment.core.simulation.sample import Sample


def ball(radius, box=20, name="ball"):
    axis = torch.arange(box) - float(box // 2)
    inside = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 <= radius**2
    return Molecule(inside.float(), inside, 10.0, 20.0 * radius, name)


def test_a_canvas_adds_up_and_gives_shared_pixels_to_the_nearer_centre():
    canvas = Canvas(6, 8, 4, torch.device("cpu"))
    image, mask = torch.ones(4, 4), torch.ones(4, 4, dtype=torch.bool)
    canvas.add((2, 2), image, mask, 1)
    canvas.add((2, 4), 2 * image, mask, 2)
    # Pixel n // 2 = 2 of the image lies on the centre: rows 0 to 3, columns 0 to 3 and 2 to 5.
    rows = torch.tensor([1.0, 1, 3, 3, 2, 2, 0, 0])
    assert torch.equal(canvas.potential, torch.stack([rows] * 4 + [torch.zeros(8)] * 2))
    owners = torch.tensor([1, 1, 1, 1, 2, 2, 0, 0])
    assert torch.equal(canvas.owners[:4].long(), owners.expand(4, -1))


def test_what_lies_on_the_rim_is_cut():
    canvas = Canvas(6, 6, 4, torch.device("cpu"))
    canvas.add((0, 5), torch.ones(4, 4), torch.ones(4, 4, dtype=torch.bool), 7)
    assert int(canvas.potential.sum()) == 2 * 3
    assert int((canvas.owners == 7).sum()) == 2 * 3


def test_every_particle_is_drawn_as_its_own_species():
    bodies = (ball(3), ball(6))
    centers = torch.tensor([[15, 15], [15, 45], [45, 15], [45, 45]])
    kinds = torch.tensor([1, 0, 0, 1])
    canvas = draw_particles(bodies, kinds, centers, torch.zeros(4, 3), (60, 60))
    areas = torch.bincount(canvas.owners.flatten().long())[1:]
    assert areas[[1, 2]].float().mean() == pytest.approx(torch.pi * 3**2, rel=0.2)
    assert areas[[0, 3]].float().mean() == pytest.approx(torch.pi * 6**2, rel=0.1)
    for centre, kind in zip(centers.tolist(), kinds.tolist(), strict=True):
        y, x = centre
        mass = canvas.potential[y - 14 : y + 14, x - 14 : x + 14].sum()
        assert float(mass) == pytest.approx(float(bodies[kind].density.sum()), rel=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_an_aggregate_weighs_as_much_as_its_members(seed):
    sample = Sample((read_molecule("builtin", 20.0),))
    mass = float(sample.molecules[0].density.sum())
    generator = torch.Generator().manual_seed(seed)
    # Wide enough that the heap lies inside for these seeds.
    density, mask = draw_aggregates(sample, 1, (400, 400), generator)
    members = float(density.sum()) / mass
    assert members == pytest.approx(round(members), abs=0.1)
    assert 6 <= round(members) <= 30
    disc = torch.pi / 4 * (sample.diameter / 20) ** 2
    assert 2.5 < members * disc / float(mask.sum()) < 7
    assert float(density[~mask].abs().max()) < 0.3 * float(density.max())


def test_aggregates_of_a_mixture_come_in_its_ratios():
    sample = Sample((ball(2), ball(7)), (1.0, 0.0001))
    small, _ = draw_aggregates(sample, 5, (300, 300), torch.Generator().manual_seed(1))
    assert float(small.max()) < 40
    assert 5 * 6 * 33 * 0.4 < float(small.sum()) < 5 * 30 * 33 * 1.1
