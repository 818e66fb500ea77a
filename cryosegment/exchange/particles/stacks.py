# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the images of particles are, whatever else is known of the particles."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Dict, Iterable, List, Optional, Tuple

import numpy as np

from cryosegment.exchange.errors import InputError


@dataclass(frozen=True, eq=False)
class Named:
    """A text of each of many rows, of which many are the same.

    Parameters
    ----------
    names
        The texts.
    numbers
        Index of that of each row, (n,).
    """

    names: Tuple[str, ...]
    numbers: np.ndarray

    @classmethod
    def of(cls, texts: Iterable[str]) -> Named:
        """The texts of rows."""
        index: Dict[str, int] = {}
        numbers = np.array([index.setdefault(text, len(index)) for text in texts], np.int32)
        return cls(tuple(index), numbers)

    def __getitem__(self, row: int) -> str:
        return self.names[self.numbers[row]]

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, index: np.ndarray) -> Named:
        """The texts of some rows, by mask or indices."""
        return Named(self.names, self.numbers[index])


@dataclass(frozen=True, eq=False)
class ParticleStacks:
    """The images of particles in their stacks, one a row; unknown numbers are NaN.

    Parameters
    ----------
    stacks
        File of each image, as the list of particles names it.
    positions
        Number of each in its stack, (n,), from 0.
    pixel_sizes
        Å/px, (n,).
    are_dark
        Whether the file says that the particles are darker than the ice, (n,).
    micrographs
        Name of the micrograph of each.
    defocus
        Mean of the defocus along the two axes, (n,), Å.

    Raises
    ------
    InputError
        If the fields do not hold the same number of particles.
    """

    stacks: Named
    positions: np.ndarray
    pixel_sizes: np.ndarray
    are_dark: np.ndarray
    micrographs: Named
    defocus: np.ndarray

    def __post_init__(self) -> None:
        lengths = [len(getattr(self, field.name)) for field in fields(self)]
        if len(set(lengths)) > 1:
            raise InputError(f"expected as many values in each column of particles, got {lengths}")

    def __len__(self) -> int:
        return len(self.positions)

    def select(self, index: np.ndarray) -> ParticleStacks:
        """The images of some rows, by mask or indices."""
        return ParticleStacks(
            self.stacks.select(index),
            self.positions[index],
            self.pixel_sizes[index],
            self.are_dark[index],
            self.micrographs.select(index),
            self.defocus[index],
        )

    def image_name(self, row: int) -> str:
        """Name of an image as RELION has it, such as `000001@stack.mrcs`."""
        return f"{self.positions[row] + 1:06d}@{self.stacks[row]}"

    def with_facts(
        self, pixel_size: Optional[float] = None, are_dark: Optional[bool] = None
    ) -> ParticleStacks:
        """The same with what a user knows better than the file; None leaves what it says."""
        sizes, dark = self.pixel_sizes, self.are_dark
        return replace(
            self,
            pixel_sizes=sizes if pixel_size is None else np.full(len(self), float(pixel_size)),
            are_dark=dark if are_dark is None else np.full(len(self), are_dark),
        )


def parse_image_names(texts: Iterable[str]) -> Tuple[Named, np.ndarray]:
    """Stack and position, (n,), from 0, of images named as RELION does, such as `000001@a.mrcs`.

    A name without a number is a file with one image.

    Raises
    ------
    InputError
        If the number of an image is none.
    """
    positions: List[int] = []

    def stacks() -> Iterable[str]:
        for text in texts:
            number, _, stack = text.rpartition("@")
            if number and not (number.isdigit() and int(number)):
                raise InputError(
                    f"expected the name of an image, such as 000001@stack.mrcs, got {text!r}: "
                    "export the particles again"
                )
            positions.append(int(number or 1) - 1)
            yield stack

    return Named.of(stacks()), np.array(positions, np.int64)
