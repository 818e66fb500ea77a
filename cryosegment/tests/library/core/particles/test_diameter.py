# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import torch

from cryosegment.core.particles.diameter import find_diameter
from cryosegment.core.particles.model import load_particle_model
from cryosegment.exchange.particles import open_particles
from cryosegment.tests.library.core.particles.conftest import BOX, PIXEL_SIZE


def test_the_diameter_is_the_share_of_the_box_at_which_images_look_best(extracted):
    folder, model = extracted.masks.parent, load_particle_model(device="cpu")
    stacks = [torch.from_numpy(mrcfile.read(path)) for path in sorted(folder.glob("*.mrcs"))]

    def quality(share):
        maps = model.predict(torch.cat(stacks), PIXEL_SIZE, share * BOX * PIXEL_SIZE)
        return float(maps.quality.mean())

    best = max((0.4, 0.5, 0.6, 0.7, 0.8), key=quality)
    found = find_diameter(model, open_particles(folder / "particles.star"))
    assert found == best * BOX * PIXEL_SIZE
