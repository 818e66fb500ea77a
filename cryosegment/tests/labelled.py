# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled images that tests draw."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosegment.core.images.working import WorkingImage
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.exchange.labels import UNKNOWN


def labelled_image(
    image: Tensor,
    centers_yx: Tensor,
    diameter: float,
    known: Tensor | None = None,
    micrograph: str = "drawn",
    is_verified: bool = True,
) -> LabelledImage:
    """An image whose particles have centres but no area; known everywhere if not told."""
    everywhere = torch.ones(image.shape, dtype=torch.bool)
    nothing = torch.zeros(image.shape, dtype=torch.int32)
    return LabelledImage(
        working=WorkingImage(image, everywhere, 4.0, (1.0, 1.0)),
        instances=nothing,
        classes=nothing if known is None else torch.where(known, nothing, UNKNOWN),
        centers_yx=centers_yx,
        diameter=diameter,
        micrograph=micrograph,
        is_verified=is_verified,
    )
