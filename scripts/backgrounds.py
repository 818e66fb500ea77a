# SPDX-License-Identifier: GPL-3.0-or-later
"""Real micrographs without particles, on which some scenes of the general model's training lie."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.simulation.textures import Texture

TEXTURES = (
    "18dec17a_grid3_00085gr_00105sq_00003hl_00011en-a.png",
    "18jul13c_gr1b_00013gr_00001sq_v01_00003hl_00010en-a.png",
    "18dec17a_grid3_00119gr_00088sq_00007hl_00009en-a.png",
    "MicData_1.mrc",
    "MicData_2.mrc",
    "MicData_3.mrc",
)
"""Thumbnails of a hole without ice, of crystalline and of vitreous ice, and three micrographs of
liposomes (docs/datasets.md); the other half of each is for measuring."""
SOURCES = (
    "github.com/cianfrocco-lab/Automatic-cryoEM-preprocessing (MIT)",
    "github.com/KatrineHommelhoffJensen/vesicle-model-repo (BSD-2-Clause)",
)
CRYSTALLINE = "18jul13c"
TEXTURE_SIDE = 512
"""Backgrounds are reduced to about this many pixels."""


def read_textures(folder: Path) -> list[Texture]:
    """Backgrounds in units of their standard deviation, and where contamination lies on them."""
    return [read_texture(next(folder.rglob(name))) for name in TEXTURES]


def read_texture(path: Path) -> Texture:
    """The background of one file; contamination is all of a crystal, or the liposomes."""
    image = read_micrograph(path, 1.0).image.numpy().astype(np.float32)
    mask = np.full_like(image, float(path.name.startswith(CRYSTALLINE)))
    table = path.with_suffix(".csv")
    if table.exists():
        for x, y, radius in np.loadtxt(table, delimiter=",", skiprows=1):
            cv2.circle(mask, (round(x - 1), round(y - 1)), round(radius + 2), 1.0, -1)
    factor = max(1, round(min(image.shape) / TEXTURE_SIDE))
    height, width = (length // factor for length in image.shape)
    image, mask = (
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in (image, mask)
    )
    return Texture((image - image.mean()) / image.std(), (mask > 0.5).astype(np.float32))
