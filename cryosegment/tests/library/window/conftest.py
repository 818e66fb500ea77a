# SPDX-License-Identifier: GPL-3.0-or-later
"""A picking run as its folder has it, made without a network."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.exchange.card import read_card
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.job import Job
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import CANDIDATES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.settling import settle

NAMES = ("set_one", "set_three", "set_two")
SIZE, SHAPE = 2.0, (500, 600)  # Å/px; rows, columns
DIAMETER = 60.0  # Å
PARAMS = PickParams(diameter=DIAMETER, pixel_size=SIZE)


@pytest.fixture
def picks(tmp_path: Path) -> Path:
    """Folder of a run whose threshold follows the candidates, some of which are close together."""
    folder, random = PickFolder(tmp_path / "picks"), np.random.default_rng(5)
    rows = []
    for number, name in enumerate(NAMES):
        grid = np.stack(np.mgrid[30:470:22, 30:570:22], -1).reshape(-1, 2)
        centers = grid + random.uniform(-3, 3, grid.shape)
        scores = np.round(np.sort(random.beta(0.5, 0.5 + number, len(grid)))[::-1], 4)
        places = random.permutation(len(grid))
        sizes = random.uniform(40, 80, len(grid))
        sizes[::9] = np.nan
        dirt = np.where(random.random(len(grid)) < 0.05, 0.9, 0.0)
        found = Coordinates(centers[places], SIZE, name, scores, sizes, contamination=dirt)
        write_coordinates(folder.file(CANDIDATES, name), found)
        rows.append(MicrographSummary(name, SIZE, SHAPE, 0, scores.sum(), 0.5, 0.1 * number))
        image = random.normal(size=SHAPE).astype(np.float32)
        mrcfile.write(tmp_path / f"{name}.mrc", image, voxel_size=SIZE)
    write_summaries(folder.path, rows)
    files = tuple(str(tmp_path / f"{name}.mrc") for name in NAMES)
    Job("pick", record_to_dict(PARAMS), files, str(folder.path), NAMES).write(folder.job)
    card = read_card(model_path(PARAMS.model))
    settle(list(zip(NAMES, map(Path, files))), card, PARAMS, Path(folder.path))
    return Path(folder.path)
