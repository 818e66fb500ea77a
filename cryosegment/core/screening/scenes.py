# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated scenes with what a picking model picks in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.inference import predict_maps
from cryosegment.core.models.model import Model
from cryosegment.core.picking.centers import find_candidates
from cryosegment.core.pipeline.micrograph import CANDIDATE_FLOOR
from cryosegment.core.screening.data import PickedImage
from cryosegment.core.simulation.bank import ProjectionBank
from cryosegment.core.simulation.scenes import SceneSettings, draw_scene
from cryosegment.core.simulation.textures import Texture
from cryosegment.core.training.data.scenes import labelled_scene, scene_images


class PickedScenes:
    """Scenes drawn on the fly, and picked.

    Parameters
    ----------
    bank
        Molecules of the scenes.
    settings
        Ranges that they are drawn from.
    picker
        A picking model for particles of the diameter of the scenes.
    count
        Scenes of a draw.
    textures
        Backgrounds of real micrographs.
    """

    def __init__(
        self,
        bank: ProjectionBank,
        settings: SceneSettings,
        picker: Model,
        count: int,
        textures: Sequence[Texture] = (),
    ) -> None:
        self._bank = bank
        self._settings = settings
        self._picker = picker
        self._count = count
        self._textures = textures

    def __call__(self, random: np.random.Generator) -> list[PickedImage]:
        """Labelled scenes with the candidates of the picker."""
        drawn = (self._bank, self._settings, random, self._textures)
        scenes = [draw_scene(*drawn) for _ in range(self._count)]
        images = scene_images(scenes, self._settings)[:, 0]
        diameter = self._settings.diameter
        items = map(labelled_scene, scenes, images, [diameter] * self._count)
        return [pick_labelled(item, self._picker) for item in items]


def pick_labelled(item: LabelledImage, picker: Model) -> PickedImage:
    """The candidates of a model in a labelled image, down to those that picking drops.

    Parameters
    ----------
    item
        The image, at the model's scale.
    picker
        A picking model.
    """
    maps = predict_maps(picker.picker, item.working.image, item.working.valid)
    found = find_candidates(maps, item.diameter, floor=CANDIDATE_FLOOR)
    return PickedImage(item, found.centers_yx.cpu())
