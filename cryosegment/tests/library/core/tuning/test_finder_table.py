# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import torch

from cryosegment.core.picking import PickingMaps
from cryosegment.core.tuning.finder_table import best_of_finders, finder_table
from cryosegment.core.tuning.pick_search import MappedImage, try_selection
from cryosegment.exchange.params import SelectionParams
from cryosegment.exchange.parts import CENTER_FINDERS, SAM
from cryosegment.tests.labelled import labelled_image

SHAPE, DIAMETER = (140, 120), 20.0
CENTERS_YX = np.array([[30.0, 30.0], [30.0, 80.0], [70.0, 55.0], [105.0, 88.0]])


def image_of(shown: np.ndarray, labelled: np.ndarray) -> MappedImage:
    """Maps that show some particles, of which other ones may be labelled."""
    pixels = np.stack(np.indices(SHAPE), -1)
    away = np.stack([np.linalg.norm(pixels - center, axis=-1) for center in shown])
    offsets = (shown[away.argmin(0)] - pixels) / (DIAMETER / 2)
    particle = torch.from_numpy((1 / (1 + np.exp(2 * (away.min(0) - 9.5)))).astype(np.float32))
    heat = torch.from_numpy(np.exp(-((away.min(0) / 3) ** 2) / 2).astype(np.float32))
    maps = PickingMaps(
        particle=particle,
        contamination=torch.zeros(SHAPE),
        valid=torch.ones(SHAPE, dtype=torch.bool),
        unrefined=particle,
        center=heat,
        offsets=torch.from_numpy(offsets.transpose(2, 0, 1).astype(np.float32)),
    )
    item = labelled_image(torch.zeros(SHAPE), torch.from_numpy(labelled).float(), DIAMETER)
    return MappedImage(maps, item, 0.0)


def test_every_finder_has_a_line_with_what_it_finds() -> None:
    """Each finds the four particles that are shown, of which three are labelled, and one more."""
    images = [image_of(CENTERS_YX, np.concatenate((CENTERS_YX[:3], [[120.0, 20.0]])))] * 2
    title, *lines = finder_table(list(best_of_finders([], images, "f1")))
    assert title.split() == ["finder", "precision", "recall", "F1", "AP", "threshold"]
    assert [line.split()[0] for line in lines] == [name for name in CENTER_FINDERS if name != SAM]
    for line in lines:
        assert line.split()[1:4] == ["0.750", "0.750", "0.750"], line


def test_a_finder_that_was_searched_has_its_best_trial() -> None:
    images = [image_of(CENTERS_YX, CENTERS_YX)]
    bad = SelectionParams("contour", smallest=3.0)
    good = try_selection(images, SelectionParams("contour", 0.25, 0.8))
    trials = [try_selection(images, bad), good]
    choices = {each.trial.settings.centers: each for each in best_of_finders(trials, images, "f1")}
    assert choices["contour"].trial is good
    assert choices["watershed"].trial.settings == SelectionParams("watershed")
    assert list(finder_table([])) == []
