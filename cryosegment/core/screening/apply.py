# SPDX-License-Identifier: GPL-3.0-or-later
"""Screening of the picks of many micrographs; failures do not stop the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.working import WorkingImage, working_image
from cryosegment.core.models.inference import picking_maps, predict_logits
from cryosegment.core.models.model import Model
from cryosegment.core.picking.centers import score_places
from cryosegment.core.screening.model import ScreeningModel
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.coordinates.every_column import EveryColumn
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.names import names_in_file
from cryosegment.exchange.params import ScreenApplyParams
from cryosegment.exchange.relion import PICKED
from cryosegment.exchange.screen_folder import ScreenFolder


class PicksOfMicrographs:
    """The picks of micrographs in the files of any picker.

    Parameters
    ----------
    params
        The files, and how to read them.
    micrographs
        File of each micrograph, by name.

    Raises
    ------
    InputError
        If the files cannot be read, name a micrograph in two ways, or name others alone.
    """

    def __init__(self, params: ScreenApplyParams, micrographs: Mapping[str, Path]) -> None:
        self._params = params
        self._read: dict[float, dict[str, Coordinates]] = {}
        # the unit is px until the micrographs, whose headers may say the pixel size, are read
        given = self._at_pixel_size(params.pixel_size or 1.0)
        stems = [micrograph_name(path) for path in micrographs.values()]
        self._names = names_in_file(given, list(micrographs), stems)
        if not self._names:
            raise InputError(
                f"expected picks of {next(iter(micrographs))} or another of the micrographs in "
                f"{params.picks}, found those of {next(iter(given), 'none')}: give the micrographs "
                "that were picked"
            )
        self.elsewhere = sorted(set(given) - set(self._names.values()))

    def of(self, name: str, pixel_size: float, shape: tuple[int, ...]) -> Coordinates:
        """Picks of a micrograph, none where the files have none.

        Parameters
        ----------
        name
            Of the micrograph.
        pixel_size
            Å/px.
        shape
            Its rows and columns.

        Raises
        ------
        InputError
            If a pick lies far outside the micrograph.
        """
        if name not in self._names:
            return Coordinates(np.empty((0, 2)), pixel_size, name)
        own = self._at_pixel_size(pixel_size)[self._names[name]]
        own = own.flipped(shape[0]) if self._params.y_up else own
        reach = self._params.diameter / 2 / pixel_size
        outside = (own.centers_yx < -reach) | (own.centers_yx > np.array(shape) + reach)
        if outside.any():
            y, x = own.centers_yx[outside.any(1)][0]
            raise InputError(
                f"a pick at x {x:.0f}, y {y:.0f} px lies outside {name}, which has {shape[0]} x "
                f"{shape[1]} px: give the micrographs on which the picks were made, unbinned"
            )
        return own.renamed(name)

    def _at_pixel_size(self, pixel_size: float) -> dict[str, Coordinates]:
        if pixel_size not in self._read:
            self._read[pixel_size] = read_coordinates(self._params.picks, pixel_size)
        return self._read[pixel_size]


@dataclass(frozen=True)
class ScreenRun:
    """Screening of the picks of some micrographs.

    Parameters
    ----------
    picks
        The picks of all.
    micrographs
        File of each micrograph, by name.
    model
        The classifier of boxes.
    picker
        A picking model; None for none.
    params
        How to screen.
    folder
        Where the results go.
    finished
        What an earlier run has finished.
    every_column
        Columns of the picks' files.
    """

    picks: PicksOfMicrographs
    micrographs: Mapping[str, Path]
    model: ScreeningModel
    picker: Model | None
    params: ScreenApplyParams
    folder: ScreenFolder
    finished: Finished
    every_column: EveryColumn

    def screen(self, name: str) -> None:
        """Write the picks of a micrograph with what their boxes hold, unless that is done.

        Raises
        ------
        InputError
            If the micrograph or its picks cannot be read, or the file cannot be written.
        ParameterError
            If the diameter does not fit the micrograph.
        """
        path = self.micrographs[name]
        if self.finished.has(name, path):
            return
        params = self.params
        micrograph = read_micrograph(path, params.pixel_size, name)
        height, width = micrograph.image.shape
        picks = self.picks.of(name, micrograph.pixel_size, (height, width))
        working = working_image(micrograph, params.diameter, self.model.card.input, params.contrast)
        kinds = self.model.kinds(working.image, _places(picks, working))
        columns = self.every_column.of(picks, height if params.y_up else None)
        if self.picker is not None:
            if self.picker.card.input != self.model.card.input:
                own = self.picker.card.input
                working = working_image(micrograph, params.diameter, own, params.contrast)
            columns = {**columns, PICKED: self._picked(self.picker, picks, working).tolist()}
        with self.finished.making(name, path):
            self.folder.write(name, columns, kinds)

    def _picked(
        self, picker: Model, picks: Coordinates, working: WorkingImage
    ) -> Float[np.ndarray, " n"]:
        """Probability of a particle at each place by a picking model."""
        network = picker.card.network
        logits = predict_logits(picker.picker, working.image, network.tile_size, network.halo)
        maps = picking_maps(logits, working.valid)
        diameter_px = working.in_pixels(self.params.diameter)
        scores = score_places(maps, _places(picks, working), diameter_px).double().cpu().numpy()
        calibration = picker.card.use.calibration
        return scores if calibration is None else calibration.probabilities(scores)


def _places(picks: Coordinates, working: WorkingImage) -> Float[Tensor, "n 2"]:
    """Centres in the pixels of a working image."""
    return torch.from_numpy(working.from_micrograph(picks.centers_yx)).float()


def open_screening(
    micrographs: Mapping[str, Path],
    model: ScreeningModel,
    picker: Model | None,
    params: ScreenApplyParams,
    folder: Path,
) -> ScreenRun:
    """A run of screening, of which nothing is done yet.

    Parameters
    ----------
    micrographs
        File of each micrograph, by name.
    model
        The classifier of boxes.
    picker
        A picking model that has its say, too; None for none.
    params
        How to screen.
    folder
        Gets `screened/`, `coordinates/` and `dropped/`, `coordinates.star`, `screening.csv` and
        `finished.csv`.

    Raises
    ------
    InputError
        If the picks cannot be read, or are those of other micrographs.
    """
    picks = PicksOfMicrographs(params, micrographs)
    finished = Finished(folder, params, params.resume)
    results = ScreenFolder(folder)
    return ScreenRun(picks, micrographs, model, picker, params, results, finished, EveryColumn())
