# SPDX-License-Identifier: GPL-3.0-or-later
"""The particles of one micrograph, and what can be done with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from cryosegment.core.images.overlay import draw_picks
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.picking import CONTAMINATED, ParticleMaps, renumber
from cryosegment.exchange.coordinates import Coordinates, box_side, write_coordinates_as
from cryosegment.exchange.files import PathLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


def contaminated_pixels(maps: ParticleMaps, working: WorkingImage) -> Bool[Tensor, "h w"]:
    """Pixels that are more likely contaminated than not, and those that are excluded anyway."""
    contaminated = maps.contamination > CONTAMINATED
    if working.excluded is None:
        return contaminated
    return contaminated | working.excluded.to(contaminated.device)


@dataclass(frozen=True)
class Picks:
    """The particles of one micrograph.

    Parameters
    ----------
    candidates
        Every candidate down to a low score, best first, in the micrograph's pixels.
    is_chosen
        Mask of the picks: candidates above the threshold and of the chosen sizes.
    maps
        Maps at working scale, the particle map after the CRF.
    labels
        `(h, w)` at working scale: 0 background, k the pixels of row k - 1 of `candidates`.
    working
        The image that the network received.
    diameter
        Particle diameter that was asked for, Å.
    """

    candidates: Coordinates
    is_chosen: Bool[np.ndarray, " n"]
    maps: ParticleMaps
    labels: Int[Tensor, "h w"]
    working: WorkingImage
    diameter: float

    def __repr__(self) -> str:
        name, size = self.candidates.name, self.candidates.pixel_size
        count = f"{int(self.is_chosen.sum())} of {len(self.candidates)} candidates"
        return f"Picks({name}: {count}, {self.diameter:g} Å at {size:.4g} Å/px)"

    @property
    def chosen(self) -> Coordinates:
        """The candidates that are picks."""
        return self.candidates.select(self.is_chosen).with_isolations()

    @property
    def contaminated(self) -> Bool[Tensor, "h w"]:
        """See `contaminated_pixels`."""
        return contaminated_pixels(self.maps, self.working)

    @property
    def instances(self) -> Int[Tensor, "h w"]:
        """Like `labels`, but k the pixels of row k - 1 of `chosen`."""
        return renumber(self.labels, torch.from_numpy(self.is_chosen))

    def to_dataframe(self) -> DataFrame:
        """A row for each pick, best first: micrograph, x and y (px), score, diameter (Å).

        pandas has to be installed.
        """
        import pandas

        chosen = self.chosen
        y, x = chosen.centers_yx.T
        columns = {"x": x, "y": y, "score": chosen.scores, "diameter": chosen.diameters}
        return pandas.DataFrame({"micrograph": chosen.name, **columns})

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the micrograph with a circle around each pick; green is a high score.

        Parameters
        ----------
        axes
            Matplotlib's; by default the current ones.

        Returns
        -------
        The axes, in pixels of the micrograph, row 0 on top.
        """
        from matplotlib import pyplot

        axes = pyplot.gca() if axes is None else axes
        picture = draw_picks(self.working, self.chosen, self.diameter)
        (height, width), (y, x) = self.working.image.shape, self.working.scale_yx
        extent = (-0.5 * x, (width - 0.5) * x, (height - 0.5) * y, -0.5 * y)
        axes.imshow(picture[..., ::-1], extent=extent)
        axes.set(xlabel="x (px)", ylabel="y (px)", title=self.candidates.name)
        return axes

    def save(self, path: PathLike) -> None:
        """Write the picks to a file of the format that its name ends in.

        Parameters
        ----------
        path
            `.star` (RELION), `.box`, `_info.json` (EMAN), `.cbox` (crYOLO) or `.csv`; boxes are
            those of `cryosegment pick --formats`.

        Raises
        ------
        InputError
            If the ending is another, or the file cannot be written.
        """
        side = box_side(self.diameter, self.candidates.pixel_size)
        write_coordinates_as(Path(path), self.chosen, side)
