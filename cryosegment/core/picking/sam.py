# SPDX-License-Identifier: GPL-3.0-or-later
"""Centres by the Segment Anything Model (SAM) on the particle map, as in CryoSegNet.

Gyawali et al., Briefings in Bioinformatics 25 (2024). SAM and SAM 2 come from transformers, which
is optional, with a checkpoint of the user's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from cryosegment.core.picking.centers import Candidates, ParticleMaps
from cryosegment.core.picking.finders import LEVEL, Search, particle_map, score_centers
from cryosegment.core.picking.size_mode import have_usual_size, middles
from cryosegment.exchange.errors import InputError, ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SURE = 0.94
"""Masks of a lower predicted overlap with what they show are left out, as in CryoSegNet."""
STABLE, OFFSET = 0.95, 1.0
"""Masks that grow and shrink more than this where the logits of their outline are moved by the
offset are left out; values of SAM's own generator of masks, like the next."""
SAME = 0.7
"""Of boxes that overlap more than this, the surest is kept."""
TOLERANCE = 0.14
"""How much larger than the mode the side of a mask may be, in particle diameters."""
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet, by which SAM's input is normalised."""
AT_ONCE = 64
"""Points that are answered at once."""
MODELS = ("sam", "sam2", "sam_hq")


def find_by_sam(maps: ParticleMaps, search: Search) -> Candidates:
    """Candidates in the middle of masks of the commonest size; the scale is that of the points.

    Raises
    ------
    InputError
        If transformers is not installed, or no checkpoint is given.
    ModelError
        If the checkpoint is none of SAM.
    """
    model = load_sam(search.sam).to(maps.particle.device)
    particle = particle_map(maps)
    boxes, pixels = generate_boxes(
        model, particle, points_on(particle, search.scale * search.diameter_px)
    )
    usual = have_usual_size(boxes, TOLERANCE * search.diameter_px / pixels)
    # pixel centres of both images are half a pixel from their borders
    centers = (middles(boxes[usual]) + 0.5) * pixels - 0.5
    limits = np.array(particle.shape) - 1
    return score_centers(maps, np.clip(centers, 0, limits), search)


@lru_cache(maxsize=1)
def load_sam(checkpoint: str) -> PreTrainedModel:
    """SAM or SAM 2 from a folder in the format of Hugging Face, on the CPU.

    Raises
    ------
    InputError, ModelError
        As `find_by_sam`.
    """
    if not checkpoint:
        raise InputError("expected a checkpoint for centers by sam, got none: give --sam FOLDER")
    try:
        from transformers import AutoConfig, AutoModel
    except ImportError as error:
        raise InputError(
            f"expected transformers for centers by sam, not found ({error}): install "
            "scipion-em-cryosegment[sam]"
        ) from error
    try:
        config = AutoConfig.from_pretrained(checkpoint, local_files_only=True)
        if config.model_type not in MODELS:
            raise ValueError(f"it is of type {config.model_type}")
        model = AutoModel.from_pretrained(checkpoint, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"expected a folder with SAM or SAM 2 in the format of Hugging Face, config.json and "
            f"model.safetensors, at {checkpoint}, got: {reason}"
        ) from error
    return model.eval()


def points_on(particle: Float[np.ndarray, "h w"], spacing_px: float) -> Float[np.ndarray, "n 2"]:
    """Points (y, x) of a grid that lie on particles: one on the ice would give none.

    Parameters
    ----------
    particle
        Probability that a pixel belongs to a particle.
    spacing_px
        Between rows and columns of the grid.
    """
    rows, columns = (np.arange(spacing_px / 2, side - 0.5, spacing_px) for side in particle.shape)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    return grid[particle[tuple(grid.astype(int).T)] > LEVEL]


@torch.no_grad()
def generate_boxes(
    model: PreTrainedModel,
    particle: Float[np.ndarray, "h w"],
    points_yx: Float[np.ndarray, "n 2"],
) -> tuple[Int[np.ndarray, "boxes 4"], float]:
    """Boxes of the sure and stable masks at some points, the surest first.

    Parameters
    ----------
    model
        SAM.
    particle
        Probability that a pixel belongs to a particle: the image.
    points_yx
        px of the image.

    Returns
    -------
    First row and column of each box, and those after the last, in pixels of the input of SAM; and
    how many pixels of the image such a pixel is.
    """
    image, side = torch.from_numpy(particle).to(model.device), _side(model)
    pixels = max(particle.shape) / side
    shape = [max(1, round(length / pixels)) for length in particle.shape]
    embeddings = model.get_image_embeddings(_prepared(image, shape, side))
    points = torch.from_numpy((points_yx[:, ::-1] + 0.5) / pixels - 0.5).to(image)
    boxes, scores = [torch.zeros(0, 4, dtype=torch.long)], [torch.zeros(0)]
    for some in points.split(AT_ONCE):
        found = model(
            image_embeddings=embeddings,
            input_points=some[None, :, None],
            input_labels=torch.ones(1, len(some), 1, dtype=torch.long, device=some.device),
        )
        sure = found.iou_scores[0] > SURE
        logits = functional.interpolate(
            found.pred_masks[0][sure][None], (side, side), mode="bilinear", align_corners=False
        )[0, :, : shape[0], : shape[1]]
        stable = _stability(logits) >= STABLE
        boxes.append(_boxes(logits[stable] > 0).cpu())
        scores.append(found.iou_scores[0][sure][stable].float().cpu())
    order = torch.argsort(torch.cat(scores), descending=True, stable=True)
    return _distinct(torch.cat(boxes)[order].numpy()), pixels


def _side(model: PreTrainedModel) -> int:
    """Side of the square input of SAM, px."""
    return int(model.config.prompt_encoder_config.image_size)


def _prepared(
    image: Float[Tensor, "h w"], shape: list[int], side: int
) -> Float[Tensor, "1 3 side side"]:
    """The image as SAM wants it: in three colours, at the top left of a square."""
    scaled = functional.interpolate(
        image[None, None], shape, mode="bilinear", align_corners=False, antialias=True
    )
    mean, sd = (image.new_tensor(values)[:, None, None] for values in (MEAN, SD))
    return functional.pad((scaled - mean) / sd, (0, side - shape[1], 0, side - shape[0]))


def _stability(logits: Float[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    """Overlap of a mask with itself where the threshold is a little higher and lower."""
    inner, outer = ((logits > level).sum((1, 2)) for level in (OFFSET, -OFFSET))
    return inner / outer.clamp(min=1)


def _boxes(masks: Bool[Tensor, "n h w"]) -> Int[Tensor, "n 4"]:
    """First row and column of each mask, and those after the last; masks have pixels."""
    ends = []
    for axis in (2, 1):
        taken = masks.any(axis).to(torch.uint8)
        length = taken.shape[1]
        ends.append((taken.argmax(1), length - taken.flip(1).argmax(1)))
    (top, bottom), (left, right) = ends
    return torch.stack((top, left, bottom, right), 1)


def _distinct(boxes: Int[np.ndarray, "n 4"]) -> Int[np.ndarray, "kept 4"]:
    """Boxes, the best first, without those that overlap a better one's too much."""
    sides = boxes[:, 2:] - boxes[:, :2]
    areas = sides.prod(axis=1)
    kept: list[int] = []
    for row, box in enumerate(boxes):
        better = boxes[kept]
        common = np.minimum(box[2:], better[:, 2:]) - np.maximum(box[:2], better[:, :2])
        shared = common.clip(min=0).prod(axis=1)
        if (shared <= SAME * (areas[row] + areas[kept] - shared)).all():
            kept.append(row)
    return boxes[kept]
