# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of `cryosegment labels project`: a mask for every image of refined particles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, Int8

from cryosegment.core.images.mrc import read_stack_side, write_stack
from cryosegment.core.labels.body import Body
from cryosegment.core.labels.footprints import Footprints
from cryosegment.core.labels.masks import mask_image
from cryosegment.core.labels.refined import check_classes, read_body
from cryosegment.core.labels.report import Report
from cryosegment.core.labels.screening import (
    OUTSIDE,
    Rejection,
    check_scored,
    class_flaws,
    pose_flaws,
    screen,
)
from cryosegment.core.optics.projection import rotation_matrices
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import LabelsProjectParams
from cryosegment.exchange.particles import (
    MASKS_NAME,
    ParticleImages,
    Particles,
    read_particle_images,
    write_particle_masks,
)
from cryosegment.exchange.progress import Progress

STACK_NAME = "masks.mrcs"
OUTSIDE_IMAGE = "outside the image"
STEP = 1000
"""Masks between two reports of progress."""


@dataclass(frozen=True)
class Group:
    """Images of one pixel size and side that get a mask.

    Attributes
    ----------
    rows
        Their indices among all images.
    particles
        Their poses.
    pixel_size
        Å/px.
    side
        px.
    """

    rows: Int[np.ndarray, " n"]
    particles: Particles
    pixel_size: float
    side: int

    @property
    def anchors_yx(self) -> Float[np.ndarray, "n 2"]:
        """Positions of the particles in their images, px."""
        return _anchors(self.particles, self.pixel_size, self.side)


def project_masks(
    params: LabelsProjectParams, folder: Path, progress: Progress, device: str = "cpu"
) -> Report:
    """Write a mask for every particle image.

    Parameters
    ----------
    params
        The particles, their body, and how to mask.
    folder
        Gets `masks.mrcs`, or `masks_1.mrcs` and so on where the images have several pixel sizes or
        sides; `masks.star`, which names the mask of each image; and the report.
    progress
        Called after every few masks.
    device
        Name of the torch device that draws.

    Raises
    ------
    ParameterError, InputError
        If the particles or the map cannot be read, the box size of the images is unknown, no
        particle gets a mask, or a file cannot be written.
    """
    images = read_particle_images(
        params.particles, params.passthrough, params.score, params.particle_pixel_size
    )
    images = replace(images, box_sizes=_sides(images, params))
    check_classes(images.particles, params)
    check_scored(images.particles.scores, params.min_score, params.particles)
    body = read_body(params)
    report = Report(body.diameter, list(body.notes), [])
    groups = _screened(images, params, report)
    report.notes += _notes(groups, body)
    if not report.labelled:
        report.write(folder)
        raise InputError(
            f"none of {len(images)} particles of {params.particles} gets a mask (the first: "
            f"{report.rejections[0].reason}): give particles of a 3-D refinement"
        )
    masks = _write_stacks(groups, body, params, folder, progress, device)
    rows = sorted(masks)
    write_particle_masks(folder / MASKS_NAME, images.select(rows), [masks[row] for row in rows])
    report.write(folder)
    return report


def _sides(images: ParticleImages, params: LabelsProjectParams) -> Int[np.ndarray, " n"]:
    """Box size of each image: as given, or that of the particle file, or of the stack's header."""
    if params.box_size is not None:
        return np.full(len(images), params.box_size)
    missing = np.flatnonzero(images.box_sizes <= 0)
    if not len(missing):
        return images.box_sizes
    name = images.stack(int(missing[0]))
    # RELION names stacks from the project's folder, some way above the particle file
    folders = [Path.cwd(), *Path(params.particles).absolute().parents]
    found = next((folder / name for folder in folders if os.path.isfile(folder / name)), None)
    if found is None:
        raise InputError(
            f"{params.particles} does not say the size of its images, and their stack {name} is "
            "not found: give --box-size"
        )
    return np.where(images.box_sizes > 0, images.box_sizes, read_stack_side(found))


def _screened(images: ParticleImages, params: LabelsProjectParams, report: Report) -> list[Group]:
    """Images that get a mask, by pixel size and box size; the report gets all."""
    keys = np.stack((images.particles.pixel_sizes, images.box_sizes), axis=1)
    groups = []
    for pixel_size, side in np.unique(keys, axis=0):
        rows = np.flatnonzero((keys == (pixel_size, side)).all(axis=1))
        particles = images.particles.select(rows)
        anchors_yx = _anchors(particles, pixel_size, int(side))
        flaws = {
            **class_flaws(particles, params.classes),
            **pose_flaws(particles, params.min_score),
        }
        found = screen(
            particles, particles.micrographs, anchors_yx, (int(side), int(side)), 0.0, flaws
        )
        report.labelled += len(found.labelled)
        report.rejections += [_of_image(rejection) for rejection in found.rejections]
        if len(found.labelled):
            # rows of a file count from 1
            kept = found.labelled.rows - 1
            groups.append(Group(kept, found.labelled, float(pixel_size), int(side)))
    return groups


def _anchors(particles: Particles, pixel_size: float, side: int) -> Float[np.ndarray, "n 2"]:
    """Positions of the particles: from the middle of the images, by the refined shifts."""
    middles = replace(particles, centers_yx=np.full((len(particles), 2), float(side // 2)))
    return middles.refined_centers_yx(pixel_size)


def _of_image(rejection: Rejection) -> Rejection:
    is_outside = rejection.reason == OUTSIDE
    return replace(rejection, reason=OUTSIDE_IMAGE) if is_outside else rejection


def _notes(groups: list[Group], body: Body) -> list[str]:
    notes = []
    for group in groups:
        text = f"{len(group.rows)} images of {group.side} px at {group.pixel_size:.4g} Å/px"
        if body.diameter > group.side * group.pixel_size:
            text += f", smaller than the body of {body.diameter:.0f} Å: its masks are cut off"
        notes.append(text)
    return notes


def _write_stacks(
    groups: list[Group],
    body: Body,
    params: LabelsProjectParams,
    folder: Path,
    progress: Progress,
    device: str,
) -> dict[int, str]:
    """Write the masks, a stack for each group; name of the mask of each row."""
    total = sum(len(group.rows) for group in groups)
    names: dict[int, str] = {}
    for number, group in enumerate(groups, 1):
        stack = STACK_NAME if len(groups) == 1 else STACK_NAME.replace(".", f"_{number}.")
        rule, thickness = params.footprint, params.thickness
        drawer = Footprints(body, group.pixel_size, rule, thickness, device)
        # an edge that is asked for is at least a pixel wide
        edge_px = max(1.0, params.edge_width / group.pixel_size) if params.edge_width else 0.0
        masks = draw_masks(group, drawer, edge_px)
        masks = _reported(masks, len(names), total, progress)
        write_stack(folder / stack, masks, group.side, group.pixel_size)
        names.update((int(row), f"{i:06d}@{stack}") for i, row in enumerate(group.rows, 1))
    return names


def draw_masks(
    group: Group, drawer: Footprints, edge_px: float
) -> Iterator[Int8[np.ndarray, "s s"]]:
    """The mask of each image of a group, one after the other."""
    anchors_yx = group.anchors_yx
    rotations = rotation_matrices(torch.from_numpy(group.particles.angles))
    footprints = drawer.draw(rotations, anchors_yx % 1)
    for anchor, footprint in zip(anchors_yx, footprints, strict=True):
        yield mask_image(footprint, anchor, group.side, edge_px)


def _reported(
    masks: Iterator[Int8[np.ndarray, "s s"]], before: int, total: int, progress: Progress
) -> Iterator[Int8[np.ndarray, "s s"]]:
    """The same masks, with reports of the progress."""
    for done, mask in enumerate(masks, before + 1):
        yield mask
        if done % STEP == 0 or done == total:
            progress(done, total, "masks")
