# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from matplotlib.image import imread

from cryosegment.core.particles.gallery import Gallery, Shown
from cryosegment.core.particles.report import draw_where, write_report
from cryosegment.exchange.particles import Named, ParticleFile, ParticleStacks
from cryosegment.exchange.particles.scores import SCORES, select
from cryosegment.tests.browser import look

COUNT = 200


class Listed(ParticleFile):
    """A list in memory, of four micrographs."""

    def write_part(self, path, chosen, added):
        raise AssertionError("the report writes no particles")


@pytest.fixture
def listed(tmp_path):
    names = Named(("a", "b", "c", "d"), np.arange(COUNT) % 4)
    defocus = np.where(np.arange(COUNT) < 100, 10_000.0, 20_000.0)
    flat = np.ones(COUNT)
    stacks = ParticleStacks(names, np.arange(COUNT), flat, flat < 0, names, defocus)
    return Listed(tmp_path / "<p&q>.star", stacks)


@pytest.fixture
def scores():
    random = np.random.default_rng(0)
    found = {name: random.uniform(size=COUNT) for name in SCORES}
    found["margin"] = np.full(COUNT, np.nan)
    found["neighbours"] = np.zeros(COUNT)
    found["quality"][7] = np.nan
    return found


@pytest.fixture
def gallery():
    image = np.random.default_rng(0).normal(size=(20, 20))
    shown = [Shown(image, (image > 0).astype(float), 0.5)] * 3
    groups = {"best": shown, "borderline": shown[:2], "worst": shown[:1]}
    return Gallery(groups, {"kept": (image, 10)})


LOOK = """
findings.title = document.title;
findings.unseen = [...document.images].filter((image) => !image.naturalWidth).length;
findings.images = document.images.length;
findings.scores = [...document.querySelectorAll(".thresholds option")].map((each) => each.value);
findings.command = document.querySelector(".thresholds .command").textContent;
findings.histograms = JSON.parse(document.querySelector(".thresholds").dataset.choice).histograms;
"""


def test_the_page_and_its_pictures(tmp_path, listed, scores, gallery):
    selection = select(scores, threshold=0.6)
    write_report(tmp_path, listed, scores, selection, gallery, "cryosegment rank --x 'a b'")
    found = look(tmp_path / "report.html", LOOK)
    assert found["console"] == []
    assert found["title"] == "Ranked particles of <p&q>.star"
    assert (found["images"], found["unseen"]) == (3, 0)
    for name in ("gallery.png", "averages.png", "groups.png"):
        assert imread(tmp_path / name).std() > 0
    assert found["scores"] == [name for name in SCORES if name != "margin"]
    assert found["command"] == (
        "cryosegment rank --x 'a b' --score quality --threshold 0.6000 --resume"
    )
    histograms = {own["name"]: own for own in found["histograms"]}
    assert sum(histograms["ets"]["kept"]) + sum(histograms["ets"]["dropped"]) == COUNT
    quality = histograms["quality"]
    assert sum(quality["kept"]) == selection.chosen.sum()
    assert sum(quality["kept"]) + sum(quality["dropped"]) == COUNT - 1
    assert not histograms["centring"]["is_rising"]


def test_kept_shares_by_micrograph_and_defocus(listed, scores):
    """Of a and b all are kept, of c and d half, those at low defocus."""
    values = np.where((np.arange(COUNT) % 4 < 2) | (np.arange(COUNT) < 100), 1.0, 0.0)
    figure = draw_where(listed, select({"quality": values}, threshold=0.5))
    by_micrograph, by_defocus = ([bar.get_height() for bar in a.patches] for a in figure.axes)
    assert by_micrograph == [0.5, 0.5, 1, 1]
    assert by_defocus[0] == 1
    assert by_defocus[-1] == 0.5
    assert not any(by_defocus[1:-1])
