# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy import ndimage
from torch import nn

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.training.data.targets import make_targets
from cryosegment.core.training.examples import MISSED, RIGHT, SIDE, UNKNOWN, WRONG, write_examples
from cryosegment.tests.labelled import labelled_image

DIAMETER = 16.0
SHAPE = (100, 90)
CENTERS = [[20, 20], [20, 65], [70, 20], [70, 65]]


class DarkDiscs(nn.Module):
    """A network that is sure of every dark disc of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.certainty = nn.Parameter(torch.tensor(9.0))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        labels, count = ndimage.label(image[0, 0].numpy() < -1)
        centers = ndimage.center_of_mass(labels > 0, labels, range(1, count + 1))
        instances, empty = torch.from_numpy(labels)[None], torch.zeros(1, *labels.shape)
        table = torch.tensor(centers).float().reshape(1, -1, 2)
        targets = make_targets(instances.int(), empty, empty + 1, table, torch.tensor([DIAMETER]))
        heat, particle = (
            t[0].clamp(1e-4, 0.999).logit() for t in (targets.center, targets.particle)
        )
        logits = (particle, heat, *targets.offset[0], empty[0] - 9, empty[0] - self.certainty)
        return torch.stack(logits)[None].detach()


def labelled(
    dark: list[list[int]], centers: list[list[int]], shape: tuple[int, int] = SHAPE
) -> LabelledImage:
    """An image with dark discs in some places, and labels in some."""
    image = torch.zeros(shape)
    rows, columns = np.indices(shape)
    for y, x in dark:
        image[(rows - y) ** 2 + (columns - x) ** 2 <= (DIAMETER / 2) ** 2] = -2
    return labelled_image(image, torch.tensor(centers).float().reshape(-1, 2), DIAMETER)


def circles(path: Path, color: tuple[int, int, int]) -> list[list[int]]:
    """Centres of the circles of a colour in the left half, in px of the image."""
    picture = cv2.imread(str(path)).astype(int)
    half = picture[:, : (picture.shape[1] - 8) // 2]
    near = np.abs(half - color).max(-1) < 60
    labels, count = ndimage.label(ndimage.binary_dilation(near, iterations=2))
    boxes = ndimage.find_objects(labels)
    assert len(boxes) == count
    return [[round((s.start + s.stop - 1) / 4 - 0.25) for s in box] for box in boxes]


def near(found: list[list[int]], expected: list[list[int]]) -> bool:
    return len(found) == len(expected) and np.abs(np.subtract(found, expected)).max(initial=0) <= 1


def test_colors_tell_right_from_wrong_and_missed(tmp_path: Path) -> None:
    path = tmp_path / "examples.png"
    item = labelled(CENTERS[:3], [CENTERS[0], CENTERS[1], CENTERS[3]])
    write_examples(path, DarkDiscs(), [item], 0.5)
    assert near(circles(path, RIGHT), CENTERS[:2])
    assert near(circles(path, WRONG), CENTERS[2:3])
    assert near(circles(path, MISSED), CENTERS[3:])


def test_a_prediction_where_nothing_is_known_is_blue(tmp_path: Path) -> None:
    path = tmp_path / "examples.png"
    unknown = torch.zeros(SHAPE, dtype=torch.bool)
    unknown[:, 40:] = True
    item = labelled(CENTERS[:2], CENTERS[:1]).without(unknown)
    write_examples(path, DarkDiscs(), [item], 0.5)
    assert near(circles(path, RIGHT), CENTERS[:1])
    assert circles(path, WRONG) == []
    assert near(circles(path, UNKNOWN), CENTERS[1:2])


def test_nothing_above_the_threshold(tmp_path: Path) -> None:
    path = tmp_path / "examples.png"
    write_examples(path, DarkDiscs(), [labelled(CENTERS, CENTERS)], 1.1)
    assert near(circles(path, MISSED), CENTERS)


def test_the_middle_of_the_image_with_the_most_labels(tmp_path: Path) -> None:
    path = tmp_path / "examples.png"
    shape = (SIDE + 40, SIDE + 60)
    centers = [[SIDE // 2 + 20, SIDE // 2 + 30], [8, 8]]  # the second lies outside
    large = labelled(centers, centers, shape)
    write_examples(path, DarkDiscs(), [labelled(CENTERS[:1], CENTERS[:1]), large], 0.5)
    picture = cv2.imread(str(path))
    assert picture.shape == (2 * SIDE, 4 * SIDE + 8, 3)
    assert near(circles(path, RIGHT), [[SIDE // 2, SIDE // 2]])
    assert circles(path, MISSED) == []
    beside = picture[:, 2 * SIDE + 8 :].max(-1)
    assert beside[SIDE, SIDE] > 200  # the particle map, bright on the particle
    assert beside[20, 20] < 40
