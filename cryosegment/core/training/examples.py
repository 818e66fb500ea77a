# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of the particles that a network finds during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cryosegment.core.evaluation.matching import match
from cryosegment.core.images.overlay import Color, draw_circle, enlarged, write_png
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.inference import predict_maps
from cryosegment.core.picking.centers import find_candidates, without_contaminated
from cryosegment.core.tuning.thresholds import TOLERANCE, where_known

SIDE = 240
"""Largest side of the part that is shown, px: quick, and particles can be told apart."""
WIDTH = 2
"""Width of lines, px: the picture is often shown at half its size."""
RIGHT, WRONG, MISSED, UNKNOWN = (80, 255, 80), (60, 60, 255), (0, 220, 255), (255, 150, 60)
"""BGR of predictions and of labels without one."""


def write_examples(
    path: Path, network: nn.Module, images: Sequence[LabelledImage], threshold: float
) -> None:
    """Write a PNG of a part of the image with the most labels, and its particle map beside it.

    Predictions on a labelled particle are green, others red, and blue in unknown areas; labelled
    particles without a prediction are yellow.

    Parameters
    ----------
    path
        The PNG.
    network
        In evaluation mode.
    images
        Images, of which one is shown.
    threshold
        Lowest score of a prediction.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    item = _middle(max(images, key=lambda image: len(image.centers_yx)))
    maps = predict_maps(network, item.working.image, item.working.valid)
    found = without_contaminated(find_candidates(maps, item.diameter), maps, item.diameter)
    picks = found.centers_yx[found.scores >= threshold].cpu()
    picture = enlarged(item.working.image)
    for center, color in _marks(picks, item):
        draw_circle(picture, center, item.diameter, color, WIDTH)
    particle = (maps.particle.cpu().numpy() * 255).astype(np.uint8)
    beside = cv2.applyColorMap(particle, cv2.COLORMAP_INFERNO)
    beside = cv2.resize(beside, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    write_png(path, np.concatenate((picture, np.full_like(picture[:, :8], 255), beside), axis=1))


def _marks(
    picks: Float[Tensor, "n 2"], item: LabelledImage
) -> list[tuple[Float[np.ndarray, " 2"], Color]]:
    """Centre and colour of the predictions and the missed labels that the image shows whole."""
    pairs = match(picks.numpy(), item.centers_yx.numpy(), TOLERANCE * item.diameter)
    right, found = set(pairs.picks.tolist()), set(pairs.reference.tolist())
    marks = []
    for row, is_known in enumerate(where_known(picks, item.known).tolist()):
        marks.append((picks[row], RIGHT if row in right else WRONG if is_known else UNKNOWN))
    for row, is_known in enumerate(where_known(item.centers_yx, item.known).tolist()):
        if is_known and row not in found:
            marks.append((item.centers_yx[row], MISSED))
    margin = item.diameter / 2  # at the border the network cannot see a particle whole
    limits = torch.tensor(item.working.image.shape) - 1 - margin
    return [
        (center.numpy(), color)
        for center, color in marks
        if (center >= margin).all() and (center <= limits).all()
    ]


def _middle(item: LabelledImage) -> LabelledImage:
    """The middle of an image, no larger than `SIDE` x `SIDE`, with its labels."""
    height, width = item.working.image.shape
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    part = np.s_[top : top + SIDE, left : left + SIDE]
    working = replace(item.working, image=item.working.image[part], valid=item.working.valid[part])
    centers = item.centers_yx - item.centers_yx.new_tensor([top, left])
    inside = ((centers >= 0) & (centers < centers.new_tensor(working.image.shape))).all(1)
    return replace(
        item,
        working=working,
        instances=item.instances[part],
        classes=item.classes[part],
        centers_yx=centers[inside],
    )
