# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of Scipion's sets, and the labels that they belong to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterable, List, Tuple

import mrcfile
import numpy as np

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import LABELS_NAME, LabelsIndex, read_labels_index
from cryosegment.objects import SetOfMicrographMasks


def mask_content(path: str) -> Tuple[int, float]:
    """Number of particles in an instance mask and the fraction of the area they cover."""
    with mrcfile.open(path) as mask:
        labels = mask.data
        particles = np.bincount(labels[labels > 0].ravel()) if labels.size else np.zeros(0)
        return int(np.count_nonzero(particles)), float(particles.sum() / max(labels.size, 1))


def mask_pixel_size(path: str) -> float:
    """Pixel size of a mask, Å/px, which need not be that of its micrograph."""
    with mrcfile.open(path, header_only=True) as mask:
        return float(mask.voxel_size.x)


def labels_of_masks(sets: Iterable[SetOfMicrographMasks]) -> Dict[str, LabelsIndex]:
    """Labels of the masks of some sets only, by labels folder.

    Raises
    ------
    InputError
        If a mask is not part of labels, or its labels were made again without it.
    """
    files: Dict[str, List[str]] = {}
    for masks in sets:
        for mask in masks:
            path = Path(mask.getFileName())
            files.setdefault(str(path.parents[1]), []).append(path.name)
    found = {}
    for folder, names in files.items():
        if not (Path(folder) / LABELS_NAME).exists():
            raise InputError(
                "masks of picks cannot be trained on: hand their coordinates to *label "
                "micrographs*, or choose them here"
            )
        index, chosen = read_labels_index(folder), set(names)
        entries = tuple(entry for entry in index.entries if entry.instances.name in chosen)
        gone = chosen - {entry.instances.name for entry in entries}
        if gone:
            raise InputError(
                f"mask {min(gone)} is no longer among the labels in {folder}: make the subset again"
            )
        found[folder] = replace(index, entries=entries)
    return found
