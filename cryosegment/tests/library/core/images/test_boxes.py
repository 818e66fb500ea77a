# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from cryosegment.core.images.boxes import cut_boxes


def test_a_box_is_centred_on_its_place() -> None:
    image = torch.arange(40.0)[:, None] * 100 + torch.arange(50.0)
    (box,) = cut_boxes(image, torch.tensor([[20.5, 30.5]]), 4)
    assert box[0].tolist() == [[100 * y + x for x in range(29, 33)] for y in range(19, 23)]


@pytest.mark.parametrize("place", [(0.0, 0.0), (-1.0, 25.0), (39.0, 49.0), (-300.0, 900.0)])
def test_beyond_the_image_a_box_is_zero(place: tuple[float, float]) -> None:
    image = torch.ones(40, 50)
    (box,) = cut_boxes(image, torch.tensor([place]), 8)
    rows = [y for y in range(8) if 0 <= round(place[0] - 3.5) + y < 40]
    columns = [x for x in range(8) if 0 <= round(place[1] - 3.5) + x < 50]
    assert box.sum() == len(rows) * len(columns)
