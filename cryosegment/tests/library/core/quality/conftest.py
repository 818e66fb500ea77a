# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels folders of micrographs of discs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cryosegment.core.labels.picked import PickedParticles
from cryosegment.core.labels.run import LabelsRun
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.labels import LabelsIndex, write_labels_index
from cryosegment.exchange.params import LabelsCoordinatesParams

Label = Callable[..., Path]


@pytest.fixture
def label(tmp_path: Path, draw_truth: Callable) -> Label:
    """Labels two micrographs: `label(change)`, whose change makes centres wrong."""

    def make(change: Callable[[np.ndarray], np.ndarray] = lambda centers: centers) -> Path:
        folder, micrographs = tmp_path / "labels", {}
        for number in (1, 2):
            truth = draw_truth(f"m{number}", (300, 220), seed=number)
            micrographs[f"m{number}"] = truth.write(tmp_path)
            picks = Coordinates(change(truth.centers_yx), truth.micrograph.pixel_size, f"m{number}")
            write_coordinates(tmp_path / "coordinates" / f"m{number}.star", picks)
        params = LabelsCoordinatesParams(str(tmp_path / "coordinates"), truth.diameter)
        run = LabelsRun(PickedParticles(params, micrographs), params, folder)
        entries = tuple(run.label(name) for name in micrographs)
        run.report.write(folder)
        write_labels_index(folder, LabelsIndex(entries, "coordinates"))
        return folder

    return make
