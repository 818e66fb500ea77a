# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of validations that a training keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import atomic_path, make_folder, remove_file
from cryosegment.exchange.training_history import PICTURE, kept_picture, kept_pictures

MOST = 12
"""Pictures that are kept."""
SHRUNK, QUALITY = 0.5, 70
"""Scale of them, and their quality of 100."""


def keep_picture(model: Path, steps: Sequence[int]) -> None:
    """Keep a smaller copy of the picture of the last validation; without one, do nothing.

    Parameters
    ----------
    model
        Model file of the training.
    steps
        Of all its validations. Pictures of others, of an earlier training, go; and where there are
        too many, that which is nearest to those before and after it.

    Raises
    ------
    InputError
        If a file cannot be read or written.
    """
    picture = model.with_suffix(PICTURE)
    if not picture.exists():
        return
    image = cv2.imread(str(picture))
    if image is None:
        raise InputError(f"cannot read {picture}, which this training has written: free its place")
    small = cv2.resize(image, None, fx=SHRUNK, fy=SHRUNK, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    target = kept_picture(model, steps[-1])
    make_folder(target.parent)
    with atomic_path(target) as temporary:
        temporary.write_bytes(data.tobytes())
    kept = kept_pictures(model)
    for step in [*(set(kept) - set(steps)), *too_many(sorted(set(kept) & set(steps)))]:
        remove_file(kept[step])


def too_many(steps: Sequence[int], most: int = MOST) -> list[int]:
    """Steps to leave out so that at most so many are left, the first and the last among them.

    Examples
    --------
    >>> too_many([0, 10, 20, 25, 40], 4)
    [20]
    """
    left, found = list(steps), []
    while len(left) > most:
        gaps = [left[i + 1] - left[i - 1] for i in range(1, len(left) - 1)]
        found.append(left.pop(1 + gaps.index(min(gaps))))
    return found
