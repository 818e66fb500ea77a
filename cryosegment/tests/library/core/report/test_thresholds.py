# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.report import Page, Section, Thresholds, histogram_of, write_page
from cryosegment.core.report.thresholds import BINS
from cryosegment.tests.browser import look

COUNT = 1000
COMMAND = "choose 'a & <b>' --more"
LOOK = """
const slider = document.querySelector("input[type=range]"), picture = document.querySelector("svg");
const select = document.querySelector("select");
const state = () => [document.querySelector("b").textContent, Number(slider.value),
  document.querySelector(".command").textContent];
findings.first = state();
slider.value = 25; slider.oninput(); findings.moved = state();
const box = picture.getBoundingClientRect();
const at = { buttons: 1, clientX: box.left + 0.75 * box.width, clientY: box.top + 10 };
picture.dispatchEvent(new PointerEvent("pointerdown", at)); findings.dragged = state();
findings.line = Number(picture.querySelector("line").getAttribute("x1"));
const heights = (kind) => [...picture.querySelectorAll("rect." + kind)]
  .map((bar) => Number(bar.getAttribute("height")));
findings.heights = [Math.max(...heights("kept")), Math.max(...heights("dropped"))];
select.value = "b_c"; select.onchange(); findings.other = state();
findings.meaning = document.querySelector(".meaning").textContent;
slider.value = 0.2; slider.oninput(); findings.falling = state();
"""


@pytest.fixture(scope="module")
def scores():
    """One of 0 to 100, of which the upper half is kept, and one that falls."""
    return np.linspace(0, 100, COUNT), np.random.default_rng(0).random(COUNT)


@pytest.fixture(scope="module")
def found(scores, tmp_path_factory):
    rising, falling = scores
    is_kept = rising >= 50
    histograms = [
        histogram_of(rising, is_kept, "a", "meaning of <a>"),
        histogram_of(falling, is_kept, "b_c", "meaning of b", is_rising=False),
    ]
    path = tmp_path_factory.mktemp("page") / "report.html"
    part = Thresholds(histograms, "a", 50.0, COMMAND)
    write_page(path, Page("page", [Section("section", [part])]))
    return look(path, LOOK)


def test_the_threshold_of_the_run_comes_first(found):
    assert found["console"] == []
    assert found["first"] == [
        "about 500 of 1,000 kept, a at least 50.00",
        50,
        f"{COMMAND} --score a --threshold 50.00 --resume",
    ]


def test_it_is_moved_and_dragged(found, scores):
    rising, _ = scores
    assert found["moved"][0] == f"about {(rising >= 25).sum()} of 1,000 kept, a at least 25.00"
    assert found["dragged"][1] == pytest.approx(75, abs=0.1)
    assert found["dragged"][0].startswith(f"about {(rising >= 75).sum()} of")
    assert found["line"] == pytest.approx(750, abs=1)


def test_bars_are_as_high_as_their_numbers(found):
    assert found["heights"] == pytest.approx([240, 240])  # ten to a bin, of both kinds


def test_of_other_scores_the_lower_may_be_better(found, scores):
    _, falling = scores
    assert found["meaning"] == "meaning of b; lower is better"
    assert found["other"][1] == pytest.approx((falling.min() + falling.max()) / 2, abs=0.001)
    number = int(found["falling"][0].split()[1])
    assert number == pytest.approx((falling <= 0.2).sum(), abs=10)  # one bin
    assert "b c at most 0.2" in found["falling"][0]


def test_a_histogram_has_all_that_have_a_score():
    values = np.array([0.0, 1.0, 2.0, np.nan, 2.0])
    own = histogram_of(values, np.array([False, True, True, True, False]), "a", "b")
    assert len(own.edges) == BINS + 1
    assert (own.edges[0], own.edges[-1]) == (0, 2)
    assert (sum(own.kept), sum(own.dropped)) == (2, 2)
    assert own.kept[-1] == own.dropped[-1] == own.dropped[0] == 1


def test_scores_that_are_equal_or_missing():
    flat = histogram_of(np.ones(5), np.arange(5) > 2, "a", "b")
    assert (flat.kept[0], flat.dropped[0]) == (2, 3)
    assert histogram_of(np.full(5, np.nan), np.arange(5) > 2, "a", "b") is None
