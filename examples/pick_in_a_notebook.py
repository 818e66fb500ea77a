# SPDX-License-Identifier: GPL-3.0-or-later
"""Pick a micrograph, look at the picks and save them; each part is a cell of a notebook.

    python examples/pick_in_a_notebook.py

For a micrograph of yours, let IMAGE be its file; its header has the pixel size.
"""

# %% A micrograph: here a simulated one, as a NumPy array
import matplotlib
import torch
from matplotlib import pyplot

import cryosegment as cs
from cryosegment.core.simulation.micrograph import simulate_micrograph
from cryosegment.core.simulation.sample import read_sample
from cryosegment.exchange.params import SimulateParams

matplotlib.use("agg")  # not in a notebook, which shows the picture by itself
scene = SimulateParams(size=(640, 768), pixel_size=3.0, snr=0.1)
truth = simulate_micrograph(scene, read_sample(scene), torch.Generator().manual_seed(7))
IMAGE, PIXEL_SIZE = truth.image.numpy(), truth.pixel_size

# %% Picks in three lines
model = cs.load_model("general")
picks = cs.pick(IMAGE, model, diameter=180, pixel_size=PIXEL_SIZE)
print(picks)

# %% Their centres (px, row 0 on top) and scores, the best first
print(picks.to_dataframe().head())

# %% Fewer and surer ones
sure = cs.pick(IMAGE, model, diameter=180, pixel_size=PIXEL_SIZE, precision=0.99)
print(f"{len(sure.chosen)} of {len(picks.chosen)} picks at a precision of 0.99")

# %% On the micrograph
picks.plot()
pyplot.savefig("picks.png")

# %% For RELION, EMAN (.box), crYOLO (.cbox) and others, by the ending
picks.save("picks.star")
assert len(cs.read_coordinates("picks.star", PIXEL_SIZE)["picks"]) == len(picks.chosen)
