# SPDX-License-Identifier: GPL-3.0-or-later
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.image import imread

from cryosegment.core.particles.gallery import Gallery, Shown
from cryosegment.core.particles.report import draw_where, write_report
from cryosegment.exchange.particles import Named, ParticleFile, ParticleStacks
from cryosegment.exchange.particles.scores import SCORES, select

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


def test_the_page_needs_no_other_file(tmp_path, listed, scores, gallery):
    selection = select(scores, threshold=0.6)
    write_report(tmp_path, listed, scores, selection, gallery, "cryosegment rank --x 'a b'")
    page = (tmp_path / "report.html").read_text()
    HTMLParser().feed(page)
    sources = re.findall(r"src=\"(.{30})", page)
    assert len(sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"href=|http|@import", page)
    assert "&lt;p&amp;q&gt;.star" in page
    for name in ("gallery.png", "averages.png", "groups.png"):
        assert imread(tmp_path / name).std() > 0


def test_its_histograms_are_of_all_particles_with_a_score(tmp_path, listed, scores, gallery):
    selection = select(scores, threshold=0.6)
    write_report(tmp_path, listed, scores, selection, gallery, "cryosegment rank")
    data = json.loads(re.search("const data = (.*);", (tmp_path / "report.html").read_text())[1])
    assert data["score"] == "quality"
    assert data["threshold"] == 0.6
    found = {own["name"]: own for own in data["scores"]}
    assert list(found) == [name for name in SCORES if name != "margin"]
    assert sum(found["ets"]["kept"]) + sum(found["ets"]["dropped"]) == COUNT
    quality = found["quality"]
    assert sum(quality["kept"]) == selection.chosen.sum()
    assert sum(quality["kept"]) + sum(quality["dropped"]) == COUNT - 1
    above = np.array(quality["edges"][:-1]) >= 0.6
    assert not np.array(quality["dropped"])[above].any()
    assert not found["centring"]["rising"]
    assert sum(found["neighbours"]["dropped"][1:]) == 0


def test_kept_shares_by_micrograph_and_defocus(listed, scores):
    """Of a and b all are kept, of c and d half, those at low defocus."""
    values = np.where((np.arange(COUNT) % 4 < 2) | (np.arange(COUNT) < 100), 1.0, 0.0)
    figure = draw_where(listed, select({"quality": values}, threshold=0.5))
    by_micrograph, by_defocus = ([bar.get_height() for bar in a.patches] for a in figure.axes)
    assert by_micrograph == [0.5, 0.5, 1, 1]
    assert by_defocus[0] == 1
    assert by_defocus[-1] == 0.5
    assert not any(by_defocus[1:-1])
