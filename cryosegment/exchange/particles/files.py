# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of particles that are read for their images, and written in parts with every column."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Dict, Mapping, Optional

import numpy as np

from cryosegment.exchange import cryosparc
from cryosegment.exchange.cryosparc import match_uids
from cryosegment.exchange.cryosparc_subset import write_cryosparc_subset
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.particles.readers import is_cryosparc
from cryosegment.exchange.particles.stacks import Named, ParticleStacks, parse_image_names
from cryosegment.exchange.relion import (
    IMAGE,
    MAGNIFICATION,
    MICROGRAPH,
    OPTICS_GROUP,
    PIXEL_SIZE,
    read_relion_blocks,
    read_relion_table,
)
from cryosegment.exchange.star import Block, write_star_subset

DEFOCUS = ("rlnDefocusU", "rlnDefocusV")
NUMBERS = (*PIXEL_SIZE, *MAGNIFICATION, OPTICS_GROUP, *DEFOCUS)
BLOB, BLOB_SIZE, BLOB_SIGN = ("blob/path", "blob/idx"), "blob/psize_A", "blob/sign"
BLOB_DEFOCUS = ("ctf/df1_A", "ctf/df2_A")
PREFIX = "cryosegment"
"""What the names of our columns begin with."""

logger = logging.getLogger(__name__)


class ParticleFile(ABC):
    """A file of particles with images.

    Attributes
    ----------
    path
        The file.
    suffix
        That of its format, with the dot.
    stacks
        Where the images are, in the order of the file.
    """

    suffix = ""

    def __init__(self, path: Path, stacks: ParticleStacks) -> None:
        self.path, self.stacks = path, stacks
        if not len(stacks):
            raise InputError(f"{path} holds no particles: give a class or selection that has some")

    def __len__(self) -> int:
        return len(self.stacks)

    @abstractmethod
    def write_part(
        self, path: PathLike, chosen: np.ndarray, added: Mapping[str, np.ndarray]
    ) -> None:
        """Write some of the particles, with every column that the file has.

        Parameters
        ----------
        path
            File to make, of the same format.
        chosen
            Whether each particle is written, (n,).
        added
            Numbers of each particle, (n,), by name, such as `ETS`: they become columns whose names
            begin with `cryosegment`.

        Raises
        ------
        InputError
            If the file cannot be written, or the one that was read has changed.
        """


class StarParticles(ParticleFile):
    """Particles of RELION, of any version: the text of rows and optics groups stays as it is."""

    suffix = ".star"

    def __init__(self, path: Path) -> None:
        blocks = read_relion_blocks(path)
        found = [block for name, block in blocks.items() if name != "optics" and IMAGE in block]
        if not found:
            raise InputError(
                f"expected the column {IMAGE} in {path}, not found: give particles that were "
                "extracted"
            )
        self._block = found[0]
        super().__init__(path, _read_stacks(path, blocks, self._block))

    def write_part(
        self, path: PathLike, chosen: np.ndarray, added: Mapping[str, np.ndarray]
    ) -> None:
        """See `ParticleFile`."""
        columns = {PREFIX + name: values for name, values in added.items()}
        write_star_subset(path, self._block, chosen, columns)


def _read_stacks(path: Path, blocks: Dict[str, Block], block: Block) -> ParticleStacks:
    table = read_relion_table(path, blocks, block, (NUMBERS, (IMAGE, MICROGRAPH)))
    stacks, positions = parse_image_names(table.texts[IMAGE])
    is_known = table.has(DEFOCUS)
    return ParticleStacks(
        stacks=stacks,
        positions=positions,
        pixel_sizes=table.pixel_sizes(),
        are_dark=np.zeros(table.count, bool),
        micrographs=Named.of(table.micrographs()),
        defocus=table.stacked(DEFOCUS).mean(1) if is_known else np.full(table.count, np.nan),
    )


class CryosparcParticles(ParticleFile):
    """Particles of CryoSPARC: a part holds the fields of the file and of its passthrough file."""

    suffix = ".cs"

    def __init__(self, path: Path, passthrough: PathLike = "") -> None:
        self._main = cryosparc.read_table(path)
        self._passthrough = self._find_passthrough(path, passthrough)
        self._fields = self._joined()
        absent = next((name for name in BLOB if name not in self._fields), None)
        if absent is not None:
            raise InputError(
                f"expected the field {absent} in {path} or its passthrough file, not found: give "
                "particles that were extracted"
            )
        super().__init__(path, self._stacks())

    def _find_passthrough(self, path: Path, given: PathLike) -> Optional[np.ndarray]:
        """The table that was passed through: as given, or the only one beside the file."""
        beside = [own for own in path.parent.glob("*passthrough_particles*.cs") if own != path]
        if not given and (len(beside) != 1 or "uid" not in self._main.dtype.names):
            return None
        other = Path(given) if given else beside[0]
        table = cryosparc.read_table(other)
        has_all = {"uid"} <= {*self._main.dtype.names} & {*table.dtype.names}
        if has_all and (match_uids(self._main, table) >= 0).all():
            return table
        if given:
            raise InputError(
                f"{other} does not hold all particles of {path}: give the passthrough file of the "
                "same job"
            )
        logger.warning("%s holds other particles than %s and is left out", other, path)
        return None

    def _joined(self) -> Dict[str, np.ndarray]:
        fields = {name: self._main[name] for name in self._main.dtype.names}
        if self._passthrough is not None:
            wanted = (*BLOB, BLOB_SIZE, BLOB_SIGN, *BLOB_DEFOCUS, cryosparc.MICROGRAPH)
            rows = match_uids(self._main, self._passthrough)
            for name in wanted:
                if name not in fields and name in self._passthrough.dtype.names:
                    fields[name] = self._passthrough[name][rows]
        return fields

    def _stacks(self) -> ParticleStacks:
        fields, count = self._fields, len(self._main)
        unknown = np.full(count, np.nan)
        paths, numbers = np.unique(fields[BLOB[0]], return_inverse=True)
        files = tuple(cryosparc.text_of(path).lstrip(">") for path in paths)
        names = cryosparc.micrograph_names(fields.get(cryosparc.MICROGRAPH, fields[BLOB[0]]))
        defocus = [np.asarray(fields.get(name, unknown), np.float64) for name in BLOB_DEFOCUS]
        return ParticleStacks(
            stacks=Named(files, numbers.reshape(-1)),
            positions=np.asarray(fields[BLOB[1]], np.int64),
            pixel_sizes=np.asarray(fields.get(BLOB_SIZE, unknown), np.float64),
            are_dark=np.asarray(fields.get(BLOB_SIGN, np.ones(count))) < 0,
            micrographs=Named.of(names),
            defocus=np.mean(defocus, axis=0),
        )

    def write_part(
        self, path: PathLike, chosen: np.ndarray, added: Mapping[str, np.ndarray]
    ) -> None:
        """See `ParticleFile`."""
        fields = {f"{PREFIX}/{name.lower()}": values for name, values in added.items()}
        write_cryosparc_subset(path, self._main, chosen, fields, self._passthrough)


def open_particles(
    path: PathLike,
    passthrough: PathLike = "",
    pixel_size: Optional[float] = None,
    are_dark: Optional[bool] = None,
) -> ParticleFile:
    """The particles of a RELION .star or a CryoSPARC .cs file.

    Parameters
    ----------
    path
        The file.
    passthrough
        CryoSPARC's passthrough file of the same job; if left out, the only one beside the file.
    pixel_size
        Å/px of the images; wins over the file's.
    are_dark
        Whether particles are darker than the ice; wins over what the file says.

    Raises
    ------
    InputError
        If a file is missing, of another kind or empty, names no images, or does not say their
        pixel size.
    """
    path = Path(path)
    found = CryosparcParticles(path, passthrough) if is_cryosparc(path) else StarParticles(path)
    found.stacks = found.stacks.with_facts(pixel_size, are_dark)
    if not (found.stacks.pixel_sizes > 0).all():
        raise InputError(
            f"{path} does not say the pixel size of the particle images: give --particle-pixel-size"
        )
    return found
