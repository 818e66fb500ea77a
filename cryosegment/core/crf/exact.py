# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact kernels of the dense CRF, as full matrices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.filters import Width


@dataclass(frozen=True)
class DenseKernel:
    """Exact engine for small images: the kernel as an `(n, n)` matrix over all pixels."""

    matrix: Float[Tensor, "n n"]

    def __call__(self, field: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """The filtered field."""
        return (self.matrix @ field.reshape(-1)).view(field.shape)


def dense_kernel(
    feature: Float[Tensor, "h w"],
    sigma: Width,
    feature_sigma: Width = float("inf"),
) -> DenseKernel:
    """Kernel exp(-|p_i - p_j|^2 / 2 sigma^2 - (f_i - f_j)^2 / 2 feature_sigma^2).

    Parameters
    ----------
    feature
        Scalar feature per pixel.
    sigma
        Standard deviation in space, px.
    feature_sigma
        Standard deviation in the feature, in its unit; infinite: position alone counts.
    """
    height, width = feature.shape
    rows = torch.arange(height, dtype=feature.dtype, device=feature.device)
    columns = torch.arange(width, dtype=feature.dtype, device=feature.device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    points = torch.stack((y / sigma, x / sigma, feature / feature_sigma), dim=-1).reshape(-1, 3)
    squared = (points[:, None] - points).square().sum(-1)
    return DenseKernel(torch.exp(-0.5 * squared))
