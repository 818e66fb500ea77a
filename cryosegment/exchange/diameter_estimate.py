# SPDX-License-Identifier: GPL-3.0-or-later
"""An estimated particle diameter, and the file that holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cryosegment.exchange.files import PathLike, read_json, write_text
from cryosegment.exchange.records import Record, record_from_dict, record_to_dict

DIAMETER_NAME = "diameter.json"


@dataclass(frozen=True)
class DiameterEstimate(Record):
    """A particle diameter, Å: its longest dimension.

    Parameters
    ----------
    diameter
        The estimate.
    low, high
        The smallest and the largest of what each micrograph says alone, and of what masks say at
        the assumed diameters next to the estimate; and an error of the method beyond.
    """

    diameter: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.diameter:.0f} Å, from {self.low:.0f} to {self.high:.0f} Å"

    def to_json(self) -> str:
        """The numbers as JSON, to a tenth of an Å."""
        return json.dumps({name: round(value, 1) for name, value in record_to_dict(self).items()})

    def write(self, folder: PathLike) -> None:
        """Write its file in a folder."""
        write_text(Path(folder) / DIAMETER_NAME, self.to_json())


def read_estimate(folder: PathLike) -> DiameterEstimate:
    """The estimate in a folder.

    Raises
    ------
    InputError, ParameterError
        If there is none, or its file holds something else.
    """
    return record_from_dict(DiameterEstimate, read_json(Path(folder) / DIAMETER_NAME))
