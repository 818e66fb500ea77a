# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a list of particles in blocks that are read at once, in the order of the stacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int

from cryosegment.core.images.mrc import read_sections
from cryosegment.exchange.particles import ParticleStacks
from cryosegment.exchange.relion import project_file

SIZE = 512
"""Images of a block, at most: some 30 MB of 128 px."""


@dataclass(frozen=True, eq=False)
class Block:
    """Images of one stack and one pixel size.

    Parameters
    ----------
    name
        Name of the block, after its stack.
    stack
        Its stack, as the list names it.
    rows
        Their rows in the list.
    positions
        Their numbers in the stack, from 0, rising.
    pixel_size
        Å/px.
    is_dark
        Whether particles are darker than the ice.
    """

    name: str
    stack: str
    rows: Int[np.ndarray, " n"]
    positions: Int[np.ndarray, " n"]
    pixel_size: float
    is_dark: bool

    def file(self, listed: Path) -> Path:
        """The file of the stack, which a list of particles names.

        Raises
        ------
        InputError
            If it is not there.
        """
        return project_file(listed, self.stack, "stack")

    def read(self, listed: Path) -> Float32[np.ndarray, "n h w"]:
        """The images, particles brighter than the ice.

        Raises
        ------
        InputError
            If the stack is missing, cannot be read or lacks an image.
        """
        images = read_sections(self.file(listed), self.positions)
        return -images if self.is_dark else images


def blocks_of(stacks: ParticleStacks, size: int = SIZE) -> Iterator[Block]:
    """All images in blocks of at most `size`, stack by stack, in the order of the stacks."""
    keys = (stacks.positions, stacks.are_dark, stacks.pixel_sizes, stacks.stacks.numbers)
    order = np.lexsort(keys)
    kinds = np.stack([key[order] for key in keys[1:]])
    is_new = np.append(True, (kinds[:, 1:] != kinds[:, :-1]).any(0))
    begins = np.flatnonzero(is_new)
    for first, end in zip(begins, np.append(begins[1:], len(order)), strict=True):
        for number, start in enumerate(range(first, end, size)):
            rows = order[start : min(start + size, end)]
            yield _block(stacks, rows, number)


def _block(stacks: ParticleStacks, rows: Int[np.ndarray, " n"], number: int) -> Block:
    row = int(rows[0])
    stack, pixel_size = stacks.stacks[row], float(stacks.pixel_sizes[row])
    is_dark = bool(stacks.are_dark[row])
    kind = f"{pixel_size:g}{' dark' if is_dark else ''}"
    name = f"{stack} ({kind}, {number + 1})"
    return Block(name, stack, rows, stacks.positions[rows], pixel_size, is_dark)
