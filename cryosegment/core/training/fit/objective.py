# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the training loop knows of targets and losses, whatever the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

Kind = TypeVar("Kind", bound="Targets")


@dataclass(frozen=True)
class Targets:
    """What a network should answer to a batch: a record of tensors, of its images in order."""

    def map(self: Kind, function: Callable[[Tensor], Tensor]) -> Kind:
        """The same targets with a function applied to every tensor."""
        return type(self)(**{f.name: function(getattr(self, f.name)) for f in fields(self)})


Loss = Callable[[Tensor, Any], dict[str, Tensor]]
"""Weighted terms by name, from logits and their targets; their sum is what to minimise."""


def total(terms: dict[str, Tensor]) -> Float[Tensor, ""]:
    """The sum of the terms of a loss."""
    return torch.stack(list(terms.values())).sum()
