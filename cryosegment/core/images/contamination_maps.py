# SPDX-License-Identifier: GPL-3.0-or-later
"""Where micrographs are contaminated, from maps that a picker or another program made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from cryosegment.core.images.micrograph import read_image
from cryosegment.core.images.resample import resample_labels
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.names import match_names

SUFFIXES = (".mrc", ".png", ".tif", ".tiff", ".gz", ".bz2")
ENDINGS = re.compile(r"(_micrographcleaner)?(_mask|_contamination)?$")
"""What programs add to the micrograph's name."""
WHITE = (1.0, 255.0, 65_535.0)
"""Values that stand for certain contamination; which one, the highest value in a map tells."""
SAME_ASPECT = 0.01


class ContaminationMaps:
    """Maps of contamination by micrograph.

    Parameters
    ----------
    path
        Folder of maps that are named after their micrographs, or one map. A single map is that of
        a single micrograph, whatever its name.
    names
        Names of the micrographs.

    Attributes
    ----------
    note
        Of which micrographs there is no map; empty if of none.

    Raises
    ------
    InputError
        If the path does not exist, or there are two maps of one micrograph.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._paths = {names[0]: path} if path.is_file() and len(names) == 1 else _find(path, names)
        self._path, self._example = path, next(iter(names), "none")
        missing = [name for name in names if name not in self._paths]
        self.note = ""
        if missing:
            self.note = (
                f"{len(missing)} of {len(names)} micrographs have no contamination map, such as "
                f"{missing[0]}: they are taken for clean"
            )

    def check(self) -> None:
        """Check that there is a map of any micrograph.

        Raises
        ------
        InputError
            If there is none.
        """
        if not self._paths:
            raise InputError(
                f"no contamination map in {self._path} is named after a micrograph such as "
                f"{self._example}: check the folder and the names"
            )

    def shape(self, name: str, pixel_size: float) -> tuple[int, int] | None:
        """Rows and columns of a micrograph from the pixel size of its map; None without a map.

        Parameters
        ----------
        name, pixel_size
            Of the micrograph, Å/px.

        Raises
        ------
        InputError
            If its map cannot be read, or has no pixel size.
        """
        path = self._paths.get(name)
        if path is None:
            return None
        image, own = read_image(path)
        if not own:
            raise InputError(
                f"contamination map {path} has no pixel size: give the height and width of the "
                "micrographs"
            )
        height, width = (round(side * own / pixel_size) for side in image.shape)
        return height, width

    def area(self, name: str, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"] | None:
        """The contaminated pixels of a micrograph, None where it has no map.

        Parameters
        ----------
        name
            Of the micrograph.
        shape
            Rows and columns of the micrograph, at any scale.

        Raises
        ------
        InputError
            If its map cannot be read, holds NaN or has another aspect ratio.
        """
        path = self._paths.get(name)
        if path is None:
            return None
        values = read_image(path)[0].astype(np.float32)
        if not np.isfinite(values).all():
            raise InputError(
                f"contamination map {path} holds NaN or infinite pixels: make it again"
            )
        factors = np.array(shape) / values.shape
        # sides may be rounded to whole pixels
        if abs(factors[0] / factors[1] - 1) > SAME_ASPECT + 1 / min(*values.shape, *shape):
            raise InputError(
                f"contamination map {path} has {values.shape[0]} x {values.shape[1]} px, which is "
                f"another aspect ratio than that of its micrograph, {shape[0]} x {shape[1]}: make "
                "it again"
            )
        highest = float(values.max())
        white = next((level for level in WHITE if highest < 1.5 * level), WHITE[-1])
        return resample_labels(values > 0.5 * white, shape)


def _find(path: Path, names: Sequence[str]) -> dict[str, Path]:
    """Map of each micrograph that has one."""
    if not path.exists():
        raise InputError(f"contamination maps {path} do not exist: check the path")
    files = [path] if path.is_file() else sorted(path.iterdir())
    found: dict[str, Path] = {}
    for file in files:
        if file.suffix.lower() not in SUFFIXES or file.name.startswith("."):
            continue
        stem = micrograph_name(file)
        named = match_names((stem, ENDINGS.sub("", stem)), names)
        for name in set(named.values()):
            if name in found:
                raise InputError(
                    f"two contamination maps of micrograph {name}, {found[name].name} and "
                    f"{file.name}: keep one"
                )
            found[name] = file
    return found
