# SPDX-License-Identifier: GPL-3.0-or-later
import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from cryosegment.core.report.figures import figure_picture, new_figure, plain
from cryosegment.core.report.pictures import in_grey, photograph


def content(picture, kind):
    head, data = picture.source.split(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(data)


def test_a_photograph_shows_its_image():
    y, x = np.mgrid[:40, :60]
    image = (2 * y + 2 * x).astype(np.uint8)
    picture = photograph(image, "a slope")
    assert (picture.width, picture.height) == (60, 40)
    read = Image.open(io.BytesIO(content(picture, "image/webp")))
    assert np.abs(np.asarray(read.convert("L"), float) - image).mean() < 3


def test_colours_keep_their_order():
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., 2] = 255  # red, in OpenCV's order
    read = Image.open(io.BytesIO(content(photograph(image, "red"), "image/webp")))
    red, green, blue = np.asarray(read.convert("RGB"))[8, 8]
    assert red > 200
    assert max(green, blue) < 50


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e6])
def test_extremes_do_not_decide_what_is_grey(factor):
    image = np.random.default_rng(0).normal(size=(100, 100))
    image[0, 0] = 1e6
    grey = in_grey(image * factor)
    assert grey[0, 0] == 255
    assert 110 < np.median(grey) < 145
    assert 40 < grey.std() < 80


def test_an_image_of_one_level():
    assert in_grey(np.full((8, 8), 3.0)).max() == 0


def test_a_figure_keeps_its_text_and_its_bytes():
    pictures = []
    for _ in range(2):
        figure = new_figure(4, 3)
        figure.add_subplot().set_title("<recall> & more")
        pictures.append(figure_picture(figure, "a curve", "below"))
    assert pictures[0] == pictures[1]
    assert (pictures[0].width, pictures[0].height) == (384, 288)
    root = ElementTree.fromstring(content(pictures[0], "image/svg+xml"))
    assert "<recall> & more" in "".join(root.itertext())


def test_names_are_no_formulas_and_letters_may_be_foreign():
    figure = new_figure(4, 3)
    axes = figure.add_subplot()
    names = ["_hidden", "a $x^{$ b", "粒子"]
    for name in names:
        axes.plot([0, 1], label=plain(name))
    axes.legend()
    root = ElementTree.fromstring(content(figure_picture(figure, "a"), "image/svg+xml"))
    shown = "".join(root.itertext())
    assert all(name in shown for name in names)
