# SPDX-License-Identifier: GPL-3.0-or-later
"""Find centres in the particle map in a way of your own, and compare it with those there are.

    python examples/own_centre_finder.py

Here: the middle of every patch of likely pixels. CONTRIBUTING.md says how a finder becomes a choice
of `cryosegment pick --centers`.
"""

import numpy as np
import torch
from scipy import ndimage

import cryosegment as cs
from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.picking.centers import Candidates, ParticleMaps
from cryosegment.core.picking.finders import Search, particle_map, score_centers
from cryosegment.core.simulation.micrograph import simulate_micrograph
from cryosegment.core.simulation.sample import read_sample
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.parts import CENTER_FINDERS, SAM

DIAMETER = 180.0  # Å
LOWEST = 0.2
"""Score of a pick: the mean of the particle map over its disc, or the peak of the heat map."""


def find_middles(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates in the middle of the patches of pixels that are more likely particle than not."""
    patches, count = ndimage.label(particle_map(maps) > 0.5)
    middles = ndimage.center_of_mass(patches > 0, patches, range(1, count + 1))
    return score_centers(maps, np.array(middles, np.float32).reshape(-1, 2), search)


def main() -> None:
    """Print the scores of all finders on a simulated micrograph."""
    scene = SimulateParams(size=(640, 768), pixel_size=3.0, snr=0.1, coverage=0.6, min_distance=0.7)
    truth = simulate_micrograph(scene, read_sample(scene), torch.Generator().manual_seed(7))
    reference = cs.Coordinates(truth.centers_yx.numpy().astype(float), truth.pixel_size, "image")

    def score(name: str, found: cs.Coordinates) -> float:
        metrics = evaluate({"image": found}, {"image": reference}, DIAMETER).overall
        print(f"{name:>14}: precision {metrics.precision:.2f}, recall {metrics.recall:.2f}")
        return metrics.f1

    model = cs.load_model("general")
    image = truth.image.numpy()
    for name in CENTER_FINDERS:
        if name == SAM:  # it asks another network
            continue
        options = {"centers": name, "edge": 0, "threshold": LOWEST}
        picks = cs.pick(image, model, DIAMETER, truth.pixel_size, **options)
        score(name, picks.chosen)

    search = Search(picks.working.in_pixels(DIAMETER), min_distance=0.5, scale=0.0, floor=LOWEST)
    own = find_middles(picks.maps, search)
    centers = picks.working.in_micrograph(own.centers_yx.numpy())
    found = cs.Coordinates(centers, truth.pixel_size, "image", scores=own.scores.numpy())
    assert score("find_middles", found) > 0.5


if __name__ == "__main__":
    main()
