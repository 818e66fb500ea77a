# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion's particles as a list for the core, and its scores on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, Mapping

import numpy as np
from pwem.emlib import DT_FLOAT, XmippError
from pwem.emlib.image import ImageHandler
from pwem.objects import Particle, SetOfParticles
from pyworkflow.object import Float

from cryosegment.exchange.ctf import COLUMNS, PHASE_SHIFT
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, micrograph_name
from cryosegment.exchange.particles import (
    MASKS_NAME,
    poses_from_transforms,
    read_particle_masks,
)
from cryosegment.exchange.particles.files import PREFIX
from cryosegment.exchange.particles.poses import PHASE_FLIPPED
from cryosegment.exchange.particles.scores import SCORES, known_scores
from cryosegment.exchange.particles.stacks import parse_image_names
from cryosegment.exchange.relion import (
    ANGLES,
    IMAGE,
    MICROGRAPH,
    OPTICS_GROUP,
    PIXEL_SIZE,
    SHIFT,
    UNSET,
)
from cryosegment.exchange.star import Cell, read_star, write_star

OF_CTF, MICROSCOPE = (*COLUMNS[:3], PHASE_SHIFT), COLUMNS[3:]
"""Columns of the particles' CTFs, and those that stand with the optics."""
STACK_SUFFIXES = {".mrcs", ".mrc", ".st"}
"""Formats that the core reads; others are converted."""


def write_particle_list(path: PathLike, particles: SetOfParticles, folder: str) -> None:
    """Write the images of a set, in its order, as the core reads them; with poses, if it has any.

    Parameters
    ----------
    path
        STAR file to make.
    particles
        The set.
    folder
        Gets copies of stacks of formats that the core does not read.

    Raises
    ------
    InputError
        If an image cannot be converted, or a file cannot be written.
    """
    columns: Dict[str, List[Cell]] = {name: [] for name in (IMAGE, MICROGRAPH)}
    if particles.hasCTF():
        columns.update((name, []) for name in OF_CTF)
    for particle in particles:
        index, file = particle.getLocation()
        if os.path.splitext(file)[1].lower() not in STACK_SUFFIXES:
            index, file = _converted(particle, len(columns[IMAGE]) + 1, folder)
        columns[IMAGE].append(f"{index or 1:06d}@{os.path.abspath(file)}")
        columns[MICROGRAPH].append(_micrograph(particle, file))
        if particles.hasCTF():
            for name, value in zip(OF_CTF, _ctf_of(particle)):
                columns[name].append(value)
    size = particles.getSamplingRate()
    if particles.hasAlignmentProj():
        transforms = [particle.getTransform().getMatrix() for particle in particles]
        poses = np.hstack(poses_from_transforms(transforms, size)).T
        columns.update(zip((*ANGLES, *SHIFT), poses.tolist()))
    optics = {OPTICS_GROUP: [1], PIXEL_SIZE[0]: [float(size)], **_optics_of(particles)}
    table = {**columns, OPTICS_GROUP: [1] * len(columns[IMAGE])}
    write_star(path, {"optics": optics, "particles": table})


def _ctf_of(particle: Particle) -> List[float]:
    """Values of the columns `OF_CTF`."""
    ctf = particle.getCTF()
    values = (ctf.getDefocusU(), ctf.getDefocusV(), ctf.getDefocusAngle(), ctf.getPhaseShift())
    return [float(value or 0.0) for value in values]


def _optics_of(particles: SetOfParticles) -> Dict[str, List[Cell]]:
    """What the microscope adds to the CTFs, and whether the images are corrected for these."""
    microscope, is_flipped = particles.getAcquisition(), int(particles.isPhaseFlipped())
    found = [
        microscope.getVoltage(),
        microscope.getSphericalAberration(),
        microscope.getAmplitudeContrast(),
    ]
    known = {name: [float(v)] for name, v in zip(MICROSCOPE, found) if v is not None}
    return {**known, PHASE_FLIPPED: [is_flipped]}


def append_masks(
    target: SetOfParticles, particles: SetOfParticles, listed: PathLike, folder: PathLike
) -> None:
    """Append the particles of a set that have masks, with the mask in place of the image.

    Parameters
    ----------
    target, particles
        The set to append to, and that of the images.
    listed
        List of the images, as `write_particle_list` wrote it.
    folder
        Folder of the masks, made by `cryosegment labels project`.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    masks = read_particle_masks(Path(folder, MASKS_NAME))
    places = {
        (masks.images[row], int(masks.image_positions[row])): row for row in range(len(masks))
    }
    names, positions = parse_image_names(read_star(listed)["particles"][IMAGE])
    for i, particle in enumerate(particles):
        row = places.get((names[i], int(positions[i])))
        if row is not None:
            stack = os.path.relpath(os.path.join(folder, masks.masks[row]))
            particle.setLocation(int(masks.mask_positions[row]) + 1, stack)
            target.append(particle)


def _converted(particle: Particle, number: int, folder: str) -> Any:
    """An image in a stack of MRC that the core reads."""
    copy = os.path.join(folder, "particles.mrcs")
    try:
        ImageHandler().convert(particle.getLocation(), (number, copy), DT_FLOAT)
    except XmippError as error:
        reason = str(error).splitlines()[0].strip()
        raise InputError(f"cannot convert {particle.getFileName()} to MRC: {reason}") from None
    return number, copy


def _micrograph(particle: Particle, file: str) -> str:
    """Name of the micrograph of a particle: its own, that of its coordinate, or of its stack."""
    coordinate = particle.getCoordinate()
    name = coordinate.getMicName() if coordinate is not None else None
    return str(name or particle.getMicId() or micrograph_name(file))


def attribute_name(score: str) -> str:
    """Attribute of particles that holds a score."""
    return f"_{PREFIX}{SCORES[score].column}"


def set_scores(particle: Particle, scores: Mapping[str, np.ndarray], row: int) -> None:
    """Give a particle its scores; -999, as in files of RELION, where others have one."""
    for name in known_scores(scores):
        value = float(scores[name][row])
        setattr(particle, attribute_name(name), Float(UNSET[0] if np.isnan(value) else value))
