# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a survey in a browser."""

import numpy as np
import pytest

from cryosegment.core.images.micrograph import write_image
from cryosegment.core.report import render_page, write_page
from cryosegment.core.survey.looks import AVERAGED, SHOWN, Looks, look
from cryosegment.core.survey.page import survey_page
from cryosegment.core.survey.picked import PickedSet
from cryosegment.core.survey.survey import survey
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.names import ByMicrograph
from cryosegment.tests import browser

NAMES = [f"m{i}" for i in range(AVERAGED + 3)]
SIDE, DIAMETER, PIXEL_SIZE = 300, 80.0, 4.0


def told_nothing(done, total, text):
    pass


def picked(label, seed, names=NAMES, with_scores=True):
    random, picks = np.random.default_rng(seed), {}
    for name in names:
        centers_yx = random.uniform(0, SIDE, (30, 2))
        scores = random.random(30) if with_scores else ()
        picks[name] = Coordinates(centers_yx, PIXEL_SIZE, name, scores)
    rates = np.linspace(0, 1, 5), np.linspace(0.5, 0, 5)
    times = {name: 1e9 + 60 * i for i, name in enumerate(names)}
    return PickedSet(label, picks, {}, times=times, false_discoveries=rates)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("micrographs"), np.random.default_rng(0)
    for name in NAMES:
        image = random.normal(size=(SIDE, SIDE)).astype(np.float32)
        write_image(folder / f"{name}.mrc", image, PIXEL_SIZE)
    (folder / "m0.mrc").write_bytes(b"no image")
    return {name: folder / f"{name}.mrc" for name in NAMES}


@pytest.fixture(scope="module")
def found():
    ctfs = {name: CtfEstimate(1e4 + 100 * i, 1e4, 0, 300, 2.7, 0.1) for i, name in enumerate(NAMES)}
    sets = [picked("ours & co", 1), picked("other", 2, NAMES[2:], with_scores=False)]
    return survey(sets, (), ByMicrograph(ctfs), DIAMETER, 20.0)


def test_some_micrographs_are_looked_at_and_bad_ones_named(found, files):
    told = []
    looks = look(found, files, lambda done, total, text: told.append(text))
    assert set(looks.failures) == {"m0"}
    assert len(told) == AVERAGED - 1
    assert len(looks.overlays) in (SHOWN - 1, SHOWN)
    last = looks.overlays[-1]
    ours, other = last.marks
    (px,) = {own.coordinates[last.name].pixel_size for own in found.sets}
    expected = found.sets[1].coordinates[last.name].centers_yx * last.picture.width / SIDE
    np.testing.assert_allclose(other.centers_yx, expected, atol=1)
    assert (ours.style.label, px) == ("ours & co", PIXEL_SIZE)
    assert [len(means) for means in looks.means.values()] == [4, 1]
    inside = sum(
        ((own.centers_yx > 20) & (own.centers_yx < SIDE - 21)).all(1).sum()
        for name, own in found.sets[1].coordinates.items()
        if name in told
    )
    assert looks.means["other"][0].count == pytest.approx(inside, rel=0.05)


def test_the_page_in_a_browser(found, files, tmp_path):
    page = tmp_path / "report.html"
    write_page(page, survey_page(found, look(found, files, told_nothing)))
    seen = browser.look(
        page,
        """
        findings.titles = [...document.querySelectorAll("h2")].map(each => each.textContent);
        findings.broken = [...document.images].filter(each => !each.naturalWidth).length;
        findings.images = document.images.length;
        findings.first = document.querySelector("td").textContent.trim();
        """,
    )
    assert seen["console"] == []
    assert seen["titles"] == [
        *("Summary", "Agreement", "Micrographs", "Scores", "Distances", "Mean image", "Picks"),
        *("Flagged micrographs", "Left out"),
    ]
    assert seen["broken"] == 0
    assert seen["images"] > 15
    assert seen["first"] == "ours & co"


def test_a_page_needs_no_micrographs_scores_or_picks():
    nothing = {"m1": Coordinates(np.empty((0, 2)), PIXEL_SIZE, "m1")}
    found = survey([PickedSet("ours", nothing, {})], (), ByMicrograph({}), DIAMETER, 20.0)
    text = render_page(survey_page(found, Looks()))
    assert "give --micrographs" in text
    assert "no scores" in text
    assert "no picks" in text
